/** Where a webhook may go: to the world, and not into our own house unless it is said. */
import ipaddr from 'ipaddr.js';

/** `10.0.0.0/8`, `192.0.2.7`, `fd00::/8`. */
function within(address: ipaddr.IPv4 | ipaddr.IPv6, network: string): boolean {
  const [base, bits] = network.includes('/') ? ipaddr.parseCIDR(network) : [ipaddr.process(network), null];
  if (base.kind() !== address.kind()) return false;
  return address.match(base, bits ?? (base.kind() === 'ipv4' ? 32 : 128));
}

/** '' when requests may go to it; else what it is. Loopback, private, link-local and all others that are not the world's. */
export function addressProblem(text: string, allowed: readonly string[]): string {
  if (!ipaddr.isValid(text)) return `${text} is no address`;
  // An IPv4 address in IPv6's clothes is looked at as what it is.
  const address = ipaddr.process(text);
  if (allowed.some((network) => within(address, network))) return '';
  const range = address.range();
  return range === 'unicast' ? '' : `${text} is not an address of the world (${range}); webhook.allow can allow it`;
}
