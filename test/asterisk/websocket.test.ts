import { contractSuite } from './contract.ts';

await contractSuite('websocket');
