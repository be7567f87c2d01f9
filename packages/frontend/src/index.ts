export { startFrontend, type Frontend, type FrontendOptions } from './frontend.js';
