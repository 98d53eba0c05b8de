import { contractSuite } from './contract.ts';

await contractSuite('ari-client');
