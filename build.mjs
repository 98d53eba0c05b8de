// Compiles to dist/: JavaScript from tsc, and beside it the SQL, Lua and YAML files that the code reads at run time.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
for (const folder of ['store/migrations', 'store/redis']) {
  cpSync(folder, `dist/${folder}`, { recursive: true, filter: (source) => !source.endsWith('.ts') });
}
cpSync('config/sample.yaml', 'dist/config/sample.yaml');
cpSync('dialplan', 'dist/dialplan', { recursive: true });
const { name, version, type } = JSON.parse(readFileSync('package.json', 'utf8'));
writeFileSync('dist/package.json', `${JSON.stringify({ name, version, type }, null, 2)}\n`);
