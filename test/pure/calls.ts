import { importTests } from './rooms.ts';

await importTests('routing', 'call', 'agi', 'asterisk/pure');
