import { importTests } from './rooms.ts';

await importTests('routing', 'call', 'asterisk/pure');
