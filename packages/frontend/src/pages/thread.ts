/** The thread that renders pages; its data are the properties of the dashboard's. */
import { parentPort, workerData } from 'node:worker_threads';
import { docsPage } from '../contract/docs-page.js';
import { dashboardPage, type PageProps } from '../dashboard/page.js';
import type { Pages } from './pages.js';

const pages: Pages = { dashboard: dashboardPage(workerData as PageProps), docs: docsPage() };
parentPort?.postMessage(pages);
