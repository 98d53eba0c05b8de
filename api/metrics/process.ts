/** Of the process itself, under the names that Prometheus' own libraries use. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Registry } from 'prom-client';
import { addCounter, addGauge } from './add.ts';

const RESOLUTION_MS = 10;
const PERCENTILES = [50, 90, 99, 100] as const;

export function addProcess(registry: Registry, version: string): void {
  addGauge(registry, { name: 'tollgate_info', help: 'Its version.', labelNames: ['version'] }).set({ version }, 1);
  addGauge(registry, { name: 'process_start_time_seconds', help: 'When the process began, seconds since 1970.' }).set(Math.round(Date.now() / 1000 - process.uptime()));
  addGauge(registry, {
    name: 'process_resident_memory_bytes', help: 'Memory of the process.',
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  addCounter(registry, {
    name: 'process_cpu_seconds_total', help: 'Processor time that the process has used.',
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  addEventLoop(registry);
}

/** How much later than it should a timer ran since the last look: 10 ms of it are the timer's own. */
function addEventLoop(registry: Registry): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  addGauge(registry, {
    name: 'tollgate_event_loop_delay_seconds', help: 'How late the event loop was since the last look, by percentile; 100 is the longest.', labelNames: ['percentile'],
    collect() {
      for (const percentile of PERCENTILES) this.set({ percentile }, Math.max(0, delay.percentile(percentile) / 1e9 - RESOLUTION_MS / 1000));
      delay.reset();
    },
  });
}
