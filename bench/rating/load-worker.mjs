// A worker thread does not inherit the TypeScript loader; this makes it one that has it.
import { register } from 'tsx/esm/api';

register();
await import('./load-worker.ts');
