-- Which ends of a provider's leg go on to the next way or stop, and what an LCR must earn at least.
create function are_end_codes(codes integer[]) returns boolean language sql immutable as $$
  select cardinality(codes) <= 100 and coalesce(bool_and(coalesce(code between 1 and 127 or code between 300 and 699, false)), true) from unnest(codes) code
$$;
-- Q.850 causes and SIP statuses.
create domain end_codes as integer[] check (are_end_codes(value));
alter table providers
  add column go_on_codes end_codes not null default '{}',
  add column stop_codes end_codes not null default '{}',
  add constraint code_goes_on_or_stops_not_both check (not go_on_codes && stop_codes);
alter table lcrs
  add column minimal_rate_margin_percent numeric(9,3) not null default 0 check (minimal_rate_margin_percent >= 0);
