/** What of the figures that are kept somebody asks for. */
import type { Catalog } from '../routing/catalog.ts';
import { hasMinutes } from '../routing/minutes.ts';

/** Providers whose figures somebody asks for. */
export function judged(catalog: Catalog | null): readonly number[] {
  const lcrs = [...(catalog?.lcrs.values() ?? [])].filter(({ order }) => order === 'quality');
  return lcrs.flatMap(({ providers }) => providers.map(({ providerId }) => providerId));
}

export function limitsMinutes(catalog: Catalog | null): boolean {
  return [...(catalog?.providers.values() ?? [])].some(hasMinutes);
}
