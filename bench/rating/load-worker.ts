// Loads a file of rates in its own thread and hands the tariff over without copying it.

import { parentPort, workerData } from 'node:worker_threads';
import { tariffBuffers } from '../../rating/tariff.ts';
import { readRateFile } from './rate-file.ts';

const { path } = workerData as { path: string };
const started = performance.now();
const tariff = await readRateFile(path, 1);
parentPort?.postMessage({ tariff, loadMs: performance.now() - started }, tariffBuffers(tariff));
