// Compiles to dist/: JavaScript from tsc, and beside it the SQL, Lua and YAML files that the code reads at run time.
// `node build.mjs CONFIG FOLDER` compiles something else with them, for the benches.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const [config = 'tsconfig.build.json', folder = 'dist'] = process.argv.slice(2);
rmSync(folder, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', config, '--outDir', folder], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
for (const beside of ['store/migrations', 'store/redis']) {
  cpSync(beside, `${folder}/${beside}`, { recursive: true, filter: (source) => !source.endsWith('.ts') });
}
cpSync('config/sample.yaml', `${folder}/config/sample.yaml`);
cpSync('dialplan', `${folder}/dialplan`, { recursive: true });
const { name, version, type } = JSON.parse(readFileSync('package.json', 'utf8'));
writeFileSync(`${folder}/package.json`, `${JSON.stringify({ name, version, type }, null, 2)}\n`);
