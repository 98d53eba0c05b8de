import { importTests } from './rooms.ts';

await importTests('rating', 'rerate', 'config', 'jobs/pure');
