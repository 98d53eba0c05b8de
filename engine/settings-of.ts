/** The settings of each room, out of those of the daemon. */
import type { Settings } from '../config/schema.ts';
import type { ScoreRules } from '../routing/blacklist.ts';
import type { RoutingSettings } from '../routing/plan.ts';
import type { CallSettings } from './call/state.ts';

export function routingSettings(settings: Settings): RoutingSettings {
  const { calls } = settings;
  return {
    letters: calls.letters,
    maxNumberLength: calls.maxNumberLength,
    globalCallTimeoutS: calls.globalCallTimeoutS,
    providerSilenceMs: calls.providerSilenceMs,
    serverCallLimit: calls.serverCallLimit,
    serverCpsLimit: calls.serverCpsLimit,
    quality: settings.quality,
    scores: scoreRules(settings.blacklist),
    unassignedDid: settings.dids.unassigned,
  };
}

function scoreRules({ defaultSourceScore, defaultDestinationScore, defaultIpScore, halfLifeHours }: Settings['blacklist']): ScoreRules {
  return { defaults: { source: defaultSourceScore, destination: defaultDestinationScore, ip: defaultIpScore }, halfLifeMs: halfLifeHours * 3_600_000 };
}

export function callSettings(settings: Settings): CallSettings {
  const { calls, reservation } = settings;
  return {
    legStartTimeoutMs: calls.legStartTimeoutMs,
    deadManS: calls.deadManS,
    promptS: calls.promptBeforeEndS,
    announceMs: calls.announcementMaxS * 1000,
    rounding: calls.billsecRounding,
    reservation: reservation.mode,
    sliceS: reservation.sliceS,
    extendBeforeS: reservation.extendBeforeS,
    frozenS: reservation.frozenTimeMinutes * 60,
  };
}
