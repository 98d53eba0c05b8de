/**
 * Builds what `PJSIP/…` dials. A dial string is a little language (`@`, `/`, `&`, `:`, `;`), so only characters
 * without meaning in it may come from outside.
 */
import { matching, safeText } from './encode.ts';

/** Longest number Asterisk carries in an extension (AST_MAX_EXTENSION, 80 with its end mark). */
const NUMBER = /^[0-9A-Za-z+*#._-]{1,79}$/;
const HOST = /^[0-9A-Za-z](?:[0-9A-Za-z.-]{0,252}[0-9A-Za-z])?(?::\d{1,5})?$/;
/** Whoever registered chose it. */
const CONTACT = /^sips?:[\w.!~*'()=+$;?%:@[\]-]{1,250}$/;
const ENDPOINT = /^[0-9A-Za-z._-]{1,79}$/;

/** A string from this file: nothing else can be dialled. */
export type DialString = string & { readonly __dialString: true };

/** The device's most recently registered contact, or its static one. Throws InvalidText. */
export function deviceDialString(endpoint: string): DialString {
  return `PJSIP/${matching('endpoint', endpoint, ENDPOINT)}` as DialString;
}

/** A number through a provider or a trunk: the request URI is the number at its AOR's contact. Throws InvalidText. */
export function numberDialString(number: string, endpoint: string): DialString {
  return `PJSIP/${matching('number', number, NUMBER)}@${matching('endpoint', endpoint, ENDPOINT)}` as DialString;
}

/** A number at somebody's server, `host` or `host:port`, sent with an endpoint's settings. Throws InvalidText. */
export function hostDialString(number: string, host: string, endpoint: string): DialString {
  return `PJSIP/${matching('endpoint', endpoint, ENDPOINT)}/sip:${matching('number', number, NUMBER)}@${matching('host', host, HOST)}` as DialString;
}

/** A device at an address where it is registered at another Asterisk, sent with an endpoint's settings. Throws InvalidText. */
export function contactDialString(endpoint: string, contact: string): DialString {
  return `PJSIP/${matching('endpoint', endpoint, ENDPOINT)}/${matching('contact', contact, CONTACT)}` as DialString;
}

/**
 * The dial strings that Asterisk's PJSIP_DIAL_CONTACTS gave for a device: one for each registered contact, doubles
 * removed. A contact's URI was chosen by whoever registered, so what does not begin as one of this endpoint's own
 * is left out.
 */
export function contactDialStrings(endpoint: string, dialContacts: string): readonly DialString[] {
  const own = `${deviceDialString(endpoint)}/sip`;
  return [...new Set(dialContacts.split('&'))].filter((each): each is DialString => each.startsWith(own) && safeText(each) === each);
}
