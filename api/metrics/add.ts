/** Metrics of one registry only: prom-client's own is the process's, and nobody's here. */
import { Counter, Gauge } from 'prom-client';
import type { CounterConfiguration, GaugeConfiguration, Registry } from 'prom-client';

export function addGauge(registry: Registry, configuration: GaugeConfiguration<string>): Gauge {
  const gauge = new Gauge({ ...configuration, registers: [] });
  registry.registerMetric(gauge);
  return gauge;
}

export function addCounter(registry: Registry, configuration: CounterConfiguration<string>): Counter {
  const counter = new Counter({ ...configuration, registers: [] });
  registry.registerMetric(counter);
  return counter;
}
