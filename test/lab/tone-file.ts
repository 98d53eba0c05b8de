/** A sound file of one steady tone, which a test can recognise in what it hears. */

const SAMPLES_PER_SECOND = 8000;
const LEVEL = 8000;

/** WAV, 8 kHz, 16 bit, mono: what Asterisk plays as it is. */
export function toneFile(frequencyHz: number, seconds: number): Buffer {
  const samples = SAMPLES_PER_SECOND * seconds;
  const file = Buffer.alloc(44 + samples * 2);
  file.write('RIFF', 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16); // length of the format part
  file.writeUInt16LE(1, 20); // PCM
  file.writeUInt16LE(1, 22); // channels
  file.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  file.writeUInt32LE(SAMPLES_PER_SECOND * 2, 28);
  file.writeUInt16LE(2, 32); // bytes a sample
  file.writeUInt16LE(16, 34); // bits a sample
  file.write('data', 36);
  file.writeUInt32LE(samples * 2, 40);
  for (let index = 0; index < samples; index++) {
    const value = Math.round(LEVEL * Math.sin((2 * Math.PI * frequencyHz * index) / SAMPLES_PER_SECOND));
    file.writeInt16LE(value, 44 + index * 2);
  }
  return file;
}
