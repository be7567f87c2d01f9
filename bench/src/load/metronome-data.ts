/** What a metronome and its thread share. */

/** Places in `shared`: 1 once the thread is to end, and 1 while a beat has been told and not been heard. */
export const STOPPED = 0;
export const UNHEARD = 1;

export interface MetronomeData {
  readonly periodNs: number;
  readonly shared: Int32Array;
}
