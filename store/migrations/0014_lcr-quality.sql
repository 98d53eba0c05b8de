-- LCRs by quality.
alter table lcrs
  drop constraint lcrs_lcr_order_check,
  add constraint lcrs_lcr_order_check check (lcr_order in ('price', 'priority', 'percent', 'quality'));
