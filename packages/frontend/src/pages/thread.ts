/** The thread that renders the pages; `workerData` has the properties of the dashboard page. */
import { parentPort, workerData } from 'node:worker_threads';
import { docsPage } from '../contract/docs-page.js';
import { dashboardPage, type PageProps } from '../dashboard/page.js';
import type { Pages } from './pages.js';

const pages: Pages = { dashboard: dashboardPage(workerData as PageProps), docs: docsPage() };
parentPort?.postMessage(pages);
