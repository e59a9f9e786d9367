/** How loud the microphone is. */

/** Emits 0–1 about twenty times a second, until `close`. */
export class LevelMeter {
  #timer = 0;
  /** @type {AudioContext | null} */ #context = null;

  /** @param {MediaStreamTrack} track @param {(level: number) => void} onlevel */
  constructor(track, onlevel) {
    this.#context = new AudioContext();
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      onlevel(loudness(samples));
    }, 50);
    // Started before the first click, an audio context sleeps until it is woken.
    this.#context.resume().catch(() => {});
  }

  async close() {
    clearInterval(this.#timer);
    await this.#context?.close();
    this.#context = null;
  }
}

/**
 * Root mean square on a scale ears agree with: -60 dB is 0, -6 dB is 1.
 * @param {Float32Array} samples
 */
export function loudness(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibels = 20 * Math.log10(Math.sqrt(sum / samples.length) + 1e-9);
  return Math.min(1, Math.max(0, (decibels + 60) / 54));
}
