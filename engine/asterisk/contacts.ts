/** Where a device is registered, as one Asterisk knows it. */
import type { AmiLink } from './ami.ts';
import { matching } from './encode.ts';

const ENDPOINT = /^[0-9A-Za-z._-]{1,79}$/;
/** `desk;@4e1c…`: an AOR and a digest of the address. */
const CONTACT_ID = /^[0-9A-Za-z._-]{1,79};@[0-9A-Za-z]{1,80}$/;

async function valueOf(ami: AmiLink, variable: string): Promise<string> {
  return (await ami.action('Getvar', { Variable: variable })).get('Value') ?? '';
}

/** The SIP address of its first contact; '': it has none. Whoever registered chose it. */
export async function contactOf(ami: AmiLink, endpoint: string): Promise<string> {
  const [first = ''] = (await valueOf(ami, `PJSIP_AOR(${matching('endpoint', endpoint, ENDPOINT)},contact)`)).split(',');
  return CONTACT_ID.test(first) ? valueOf(ami, `PJSIP_CONTACT(${first},uri)`) : '';
}
