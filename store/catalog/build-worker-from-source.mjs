// A worker thread does not inherit the TypeScript loader; this makes it one that has it. Compiled code does without.
import { register } from 'tsx/esm/api';

register();
await import('./build-worker.ts');
