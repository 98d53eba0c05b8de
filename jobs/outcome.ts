/** What became of one try to deliver something. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly answer: string }
  /** `permanent`: the other side will say the same again. */
  | { readonly kind: 'refused'; readonly reason: string; readonly permanent: boolean }
  /** The other side may have taken it; nobody knows. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** Somebody else delivers it. */
  | { readonly kind: 'taken' };
