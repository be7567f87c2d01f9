/** `GET` and `POST /catalogs` over a real internal port. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TriremeError } from '@trireme/domain';
import { InternalServer, Metrics, createLog } from '@trireme/service';
import { catalogsRoutes, type CatalogSetControl } from './catalogs-routes.js';
import type { LeaderView } from './group-routes.js';
import { changeCatalogs, type CatalogChange } from '../rules/leader/catalog-set.js';
import { MemberAddresses } from '../rules/group/member-addresses.js';

const SECRET = 'a-secret-of-a-test-that-is-long-enough';
const URL_2 = 'http://10.0.0.2:8192';

/** The catalog set of a replica without catalog links. */
class FakeSet implements CatalogSetControl {
  ids: readonly string[] = ['catalog-1', 'catalog-2'];
  index = 1;
  refusal: TriremeError | null = null;

  describe(): ReturnType<CatalogSetControl['describe']> {
    const catalogs = this.ids.map((id) => ({ id, url: null, linked: false, hasAuthority: false }));
    return { index: this.index, catalogs };
  }

  async change(change: CatalogChange): Promise<void> {
    if (this.refusal !== null) throw this.refusal;
    this.ids = changeCatalogs(this.ids, change);
    this.index += 1;
    return Promise.resolve();
  }
}

class CatalogsFixture {
  readonly set = new FakeSet();
  leader = '1';
  port = 0;

  readonly node: LeaderView['node'] = {
    status: () => ({
      id: '1',
      role: this.leader === '1' ? 'leader' : 'follower',
      term: 3,
      leader: this.leader,
      membership: {
        voters: ['1', '2'],
        outgoing: [],
        learners: [],
        learnersNext: [],
        addresses: new Map([
          ['1', ''],
          ['2', ''],
        ]),
      },
    }),
  };

  async ask(body?: object): Promise<{ readonly code: number; readonly body: unknown }> {
    const response = await fetch(`http://127.0.0.1:${this.port}/catalogs`, {
      headers: { 'x-trireme-secret': SECRET },
      method: body === undefined ? 'GET' : 'POST',
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { code: response.status, body: await response.json() };
  }
}

async function withFixture(use: (fixture: CatalogsFixture) => Promise<void>): Promise<void> {
  const fixture = new CatalogsFixture();
  const log = createLog({ service: 'test', id: '1', level: 'silent' });
  const metrics = new Metrics({ service: 'replica', id: '1' });
  const server = new InternalServer({
    host: '127.0.0.1',
    port: 0,
    log,
    metrics,
    listeners: [],
    identity: { cluster: 'test', name: 'replica-1', secret: SECRET },
    status: () => ({}),
    checks: () => [],
    ...catalogsRoutes({
      node: fixture.node,
      set: fixture.set,
      addresses: new MemberAddresses(new Map([['2', { peerUrl: 'http://10.0.0.2:8202', url: URL_2 }]])),
    }),
  });
  fixture.port = await server.listen();
  try {
    await use(fixture);
  } finally {
    await server.close();
  }
}

/** The status word and the message of an error answer. */
function errorOf(body: unknown): { readonly status: string; readonly message: string } {
  const { error } = body as { readonly error: { readonly status: string; readonly message: string } };
  return error;
}

test('GET /catalogs on a follower shows the set and the leader', async () => {
  await withFixture(async (fixture) => {
    fixture.leader = '2';
    assert.equal(await fixture.ask(), {
      code: 200,
      body: {
        self: '1',
        role: 'follower',
        term: 3,
        leader: '2',
        index: 1,
        catalogs: ['catalog-1', 'catalog-2'].map((id) => ({
          id,
          url: null,
          linked: false,
          hasAuthority: false,
        })),
      },
    });
  });
});

test('POST /catalogs on the leader changes the set and answers with the new one', async () => {
  await withFixture(async (fixture) => {
    const { code, body } = await fixture.ask({ add: 'catalog-3' });
    assert.equal([code, (body as { index: number }).index], [200, 2]);
    assert.equal(fixture.set.ids, ['catalog-1', 'catalog-2', 'catalog-3']);
    await fixture.ask({ remove: 'catalog-1' });
    assert.equal(fixture.set.ids, ['catalog-2', 'catalog-3']);
  });
});

test('POST /catalogs on a follower fails with NOT_LEADER and names the leader', async () => {
  await withFixture(async (fixture) => {
    fixture.leader = '2';
    const { code, body } = await fixture.ask({ add: 'catalog-3' });
    assert.equal(
      [code, errorOf(body)],
      [
        421,
        {
          code: 421,
          status: 'NOT_LEADER',
          message: `this replica is not the leader; send the request to the leader, 2, at ${URL_2}`,
        },
      ],
    );
    assert.is(fixture.set.index, 1);
  });
});

test('POST /catalogs answers a request that cannot be carried out with its error status', async () => {
  await withFixture(async (fixture) => {
    const statusOf = async (body: object): Promise<string> => errorOf((await fixture.ask(body)).body).status;
    assert.is(await statusOf({ add: 'replica-1' }), 'INVALID_REQUEST');
    assert.is(await statusOf({ add: 'catalog-1' }), 'BAD_MEMBERSHIP');
    fixture.set.refusal = new TriremeError('CHANGE_PENDING', 'another change is in progress');
    assert.is(await statusOf({ add: 'catalog-3' }), 'CHANGE_PENDING');
  });
});

test.run();
