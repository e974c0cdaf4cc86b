// tools/bench_peers: this engine beside ONNX Runtime. help.txt says what it does.
import { writeFileSync } from 'node:fs';

import { Calm } from './calm.mjs';
import { compare, peerVersion } from './compare.mjs';
import { prepareHolding } from './hold.mjs';
import { chooseModels, Network, peerServer } from './networks.mjs';
import { parseOptions } from './options.mjs';
import { plot } from './plot.mjs';
import { header, line, refusedLine } from './report.mjs';
import { Refused, Side } from './side.mjs';

async function main(args) {
  const options = parseOptions(args);
  const models = chooseModels(options.models);
  if (options.isa) prepareHolding();
  const calm = options.calm > 0 ? new Calm(await Side.start([peerServer, 'probe'], String(options.core))) : null;
  const peer = `ONNX Runtime ${peerVersion}${options.isa ? '; both held to AVX2' : ''}${
    calm ? '; calm turns only' : ''}`;
  console.log(`${options.machine}; one thread on core ${options.core}; peer: ${peer}\n${header}`);
  const rows = [];
  for (const id of models) {
    const network = new Network(id);
    for (const batch of options.batch) {
      for (const threads of options.threads) {
        for (const precision of options.precision) {
          try {
            const row = await compare(network, { batch, threads, precision }, options, calm);
            rows.push(row);
            console.log(line(row));
          } catch (error) {
            if (!(error instanceof Refused)) throw error;
            console.log(refusedLine({ model: id, precision, batch, threads }, error.message));
          }
          // What was measured stays if a later case fails.
          if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 1)}\n`);
        }
      }
    }
    network.remove();
  }
  await calm?.stop();
  if (options.plot) writeFileSync(options.plot, plot(rows, options.machine));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(`bench_peers: ${error.message}`);
  process.exitCode = 1;
});
