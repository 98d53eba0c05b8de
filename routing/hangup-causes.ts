/**
 * The one list of hangup causes: number, name, sentence, and what the caller is answered with.
 * Numbers 1–127 are Q.850; 200–290 are the product documents' own; 300–341 the class-4 documents'.
 * Numbers whose meaning those documents do not tell are left out, never invented.
 * `docs/HANGUP_CAUSES.md` shows the same list; a test holds the two together.
 */

export interface HangupCause {
  readonly code: number;
  readonly name: string;
  readonly sentence: string;
  /** Cause given to Asterisk when the caller's leg is refused; Asterisk turns it into `sip`. */
  readonly q850: number;
  readonly sip: number;
}

type Answer = 'rejected' | 'congestion' | 'unallocated';

/** Relation of the product's codes to Q.850 and SIP (Hangupcause Codes page). */
const ANSWERS: Readonly<Record<Answer, readonly [number, number]>> = {
  rejected: [21, 403],
  congestion: [34, 503],
  unallocated: [1, 404],
};

function own(code: number, name: string, sentence: string, answer: Answer = 'rejected'): HangupCause {
  const [q850, sip] = ANSWERS[answer];
  return { code, name, sentence, q850, sip };
}

function q850(code: number, name: string, sentence: string, answer: number | readonly [number, number]): HangupCause {
  const [sent, sip] = typeof answer === 'number' ? [code, answer] : answer;
  return { code, name, sentence, q850: sent, sip };
}

/** SIP answers measured on Asterisk 22 for `DELETE /channels/ID?reason_code=N`. */
const STANDARD: readonly HangupCause[] = [
  q850(1, 'unallocatedNumber', 'The number is not allocated', 404),
  q850(3, 'noRouteToDestination', 'No route to the destination', [1, 404]),
  q850(16, 'normalClearing', 'Normal end of a call', [31, 480]),
  q850(17, 'userBusy', 'The called side is busy', 486),
  q850(18, 'noUserResponding', 'The called side does not respond', 408),
  q850(19, 'noAnswer', 'The called side was alerted and did not answer', 480),
  q850(20, 'subscriberAbsent', 'The called device is not reachable now', 480),
  q850(21, 'callRejected', 'The called side rejected the call', 403),
  q850(22, 'numberChanged', 'The number has changed', 410),
  q850(27, 'destinationOutOfOrder', 'The destination is out of order', 502),
  q850(28, 'invalidNumberFormat', 'The number is incomplete or has a wrong form', 484),
  q850(29, 'facilityRejected', 'The far end does not offer what was asked', [21, 403]),
  q850(31, 'normalUnspecified', 'Normal end, nothing more is known', 480),
  q850(34, 'noCircuit', 'No circuit or channel is available', 503),
  q850(38, 'networkOutOfOrder', 'The network is out of order', 500),
  q850(41, 'temporaryFailure', 'A temporary failure: the engine or a server it needs could not serve the call', [34, 503]),
  q850(42, 'switchCongestion', 'The far switch is congested', [34, 503]),
  q850(58, 'bearerNotAvailable', 'No codec in common', 488),
  q850(66, 'channelNotImplemented', 'The kind of channel is not implemented', 503),
  q850(102, 'timerExpiry', 'A timer of the protocol expired', [34, 503]),
  q850(127, 'interworking', 'An unspecified failure between networks', 500),
];

const OWN: readonly HangupCause[] = [
  own(200, 'callerUnknown', 'The caller cannot be identified'),
  own(201, 'userBlocked', 'The user is blocked'),
  own(202, 'resellerBlocked', 'The reseller is blocked'),
  own(203, 'noUserRate', 'The user has no rate for the destination'),
  own(204, 'noUsableProvider', 'No usable provider'),
  own(207, 'receiverUnknown', 'It cannot be determined who should receive the call'),
  own(208, 'switchFull', 'The switch cannot take more calls', 'congestion'),
  own(210, 'balanceUnderOneSecond', 'The balance does not buy even one second', 'congestion'),
  own(211, 'balanceTooLow', "The user's balance is too low", 'congestion'),
  own(212, 'balanceHeldByCalls', "The user's balance is too low for one more simultaneous call", 'congestion'),
  own(213, 'didOwnerBalanceTooLow', "The DID owner's balance is too low", 'congestion'),
  own(214, 'didOwnerBalanceHeldByCalls', "The DID owner's balance is too low for one more simultaneous call", 'congestion'),
  own(215, 'resellerBalanceTooLow', "The reseller's balance is too low", 'congestion'),
  own(216, 'resellerBalanceHeldByCalls', "The reseller's balance is too low for one more simultaneous call", 'congestion'),
  own(218, 'resellerLossCall', 'The reseller does not allow loss calls'),
  own(219, 'didLimit', 'The call limit of the DID is reached', 'congestion'),
  own(220, 'userLimit', 'The call limit of the user is reached', 'congestion'),
  own(221, 'deviceLimit', 'The call limit of the device is reached', 'congestion'),
  own(222, 'resellerLimit', 'The call limit of the reseller is reached', 'congestion'),
  own(223, 'providerLimit', 'The call limit of the provider is reached', 'congestion'),
  own(224, 'providerDearerThanUser', "Provider skipped: its rate is above the user's rate"),
  own(225, 'callerIdBanned', 'The CallerID is banned'),
  own(226, 'didFree', 'The DID is free: nobody owns it', 'unallocated'),
  own(229, 'didReserved', 'The DID is only reserved', 'unallocated'),
  own(230, 'farEndWithoutCause', 'The far end ended the call without a cause'),
  own(234, 'loop', 'The call came back to the switch: a loop'),
  own(235, 'providerOverPriceLimit', 'Provider skipped: dearer than the cheapest by more than the allowed percent'),
  own(237, 'didOwnerBlocked', "The DID's user is blocked"),
  own(241, 'callerCancelled', 'The caller cancelled before the answer'),
  own(242, 'noResellerRate', 'The reseller has no rate for the destination'),
  own(247, 'providerDead', 'Provider skipped: it does not answer the periodic check'),
  own(249, 'partnerLimit', 'The call limit of the partner is reached'),
  own(250, 'partnerBlocked', 'The partner is blocked'),
  own(251, 'partnerBalanceTooLow', "The partner's balance is too low"),
  own(252, 'partnerBalanceHeldByCalls', "The partner's balance is too low for one more simultaneous call"),
  own(253, 'partnerLossCall', 'The partner does not allow loss calls'),
  own(254, 'noPartnerRate', 'The partner has no rate for the destination'),
  own(255, 'destinationBlacklisted', "The destination is in the user's blacklist"),
  own(256, 'destinationNotWhitelisted', "The destination is not in the user's whitelist"),
  own(262, 'sourceBlacklisted', "The source number is in the user's blacklist"),
  own(263, 'sourceNotWhitelisted', "The source number is not in the user's whitelist"),
  own(276, 'noDidProviderRate', 'The DID provider has no rate'),
  own(277, 'sourceGloballyBlacklisted', 'The CallerID is in the global blacklist'),
  own(278, 'sourceNotGloballyWhitelisted', 'The CallerID is not in the global whitelist'),
  own(279, 'destinationGloballyBlacklisted', 'The destination is in the global blacklist'),
  own(280, 'destinationNotGloballyWhitelisted', 'The destination is not in the global whitelist'),
  own(281, 'providerDestinationBlacklisted', 'Provider skipped: the destination is in its blacklist'),
  own(282, 'providerDestinationNotWhitelisted', 'Provider skipped: the destination is not in its whitelist'),
  own(283, 'didSourceBlacklisted', "The source number is in the DID's blacklist"),
  own(284, 'didClosed', 'The DID is closed'),
  own(285, 'providerMinutesUsedUp', 'Provider skipped: its minutes of this month or day are used up'),
  own(290, 'dailyLimitReached', "The payer's daily limit is reached"),
  own(304, 'callsPerSecond', 'Too many calls a second from this originator', 'congestion'),
  own(329, 'providerCallsPerSecond', 'Provider skipped: too many calls a second', 'congestion'),
  own(330, 'blockedInUserTariff', "The destination is blocked in the originator's tariff"),
  own(331, 'blockedInProviderTariff', "Provider skipped: the destination is blocked in its tariff"),
  own(332, 'wrongTechPrefix', 'The dialled number has no tech prefix of a device at this address'),
  own(333, 'wrongPort', 'No device at this address has this port'),
  own(336, 'destinationEmpty', 'The destination is empty'),
  own(337, 'wrongServer', 'The call arrived on a server that the device is not assigned to'),
  own(340, 'overMaxCallRate', "The rate is higher than the user's greatest allowed call rate"),
];

export const HANGUP_CAUSES: ReadonlyMap<number, HangupCause> = new Map([...STANDARD, ...OWN].map((cause) => [cause.code, cause]));

const FALLBACK = q850(31, 'normalUnspecified', 'Normal end, nothing more is known', 480);

/** A cause of the far end that the list does not know is answered as "normal, unspecified". */
export function hangupCause(code: number): HangupCause {
  return HANGUP_CAUSES.get(code) ?? { ...FALLBACK, code };
}
