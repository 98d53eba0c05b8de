/** Where a webhook may go. */
import { test } from 'tap';
import { addressProblem } from '../../../jobs/address.ts';

const REFUSED = [
  '127.0.0.1', '127.1.2.3', '0.0.0.0', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '192.0.0.1', '192.0.2.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255',
  '::1', '::', 'fe80::1', 'fc00::1', 'fd12:3456::1', 'ff02::1', '2001:db8::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:a9fe:a9fe', '64:ff9b::7f00:1', '2002:7f00:1::', '2001::1', 'not an address', '',
];
const TAKEN = ['8.8.8.8', '172.32.0.1', '11.0.0.1', '2a00:1450:4001:80b::200e', '::ffff:8.8.8.8'];

test('loopback, private, link-local and all that is not the world is refused, in whatever clothes', async (t) => {
  for (const address of REFUSED) t.not(addressProblem(address, []), '', address);
});

test('the world is not', async (t) => {
  for (const address of TAKEN) t.equal(addressProblem(address, []), '', address);
});

test('what the setting allows, and nothing beside it', async (t) => {
  const allow = ['10.1.0.0/16', '127.0.0.1', 'fd00::/8', '::1'];
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '127.0.0.1', 'fd12::1', '::1']) t.equal(addressProblem(address, allow), '', address);
  for (const address of ['10.2.0.1', '127.0.0.2', 'fe80::1', '192.168.0.1']) t.not(addressProblem(address, allow), '', address);
});
