/**
 * SIP endpoints of the lab's own, for tests that need calls before an engine has pushed any device. Pass the text to
 * startAsterisk as additions; the operator's files do not hold these.
 */

/** Text for pjsip.conf: whoever calls from `ip` is this endpoint and lands in `context`. */
export function callerByAddress(options: { name: string; ip: string; context: string }): string {
  return `[${options.name}]
type=endpoint
context=${options.context}
identify_by=ip
disallow=all
allow=ulaw,alaw
direct_media=no

[${options.name}]
type=identify
endpoint=${options.name}
match=${options.ip}
`;
}

/** Text for pjsip.conf: calls to PJSIP/number@name go to that address and port. */
export function trunkTo(options: { name: string; ip: string; port: number }): string {
  return `[${options.name}]
type=endpoint
context=default
aors=${options.name}
identify_by=ip
disallow=all
allow=ulaw,alaw
direct_media=no
send_pai=yes
trust_id_outbound=yes
send_connected_line=no

[${options.name}]
type=aor
contact=sip:${options.ip}:${options.port}
`;
}

/** Text for extensions.conf: a context that dials every number through the trunk, without an engine. */
export function directContext(name: string, trunk: string): string {
  return `[${name}]
exten => _X!,1,Dial(PJSIP/\${EXTEN}@${trunk},30)
 same => n,Hangup(\${HANGUPCAUSE})
`;
}
