/** A mistake of ours, never of the user's: the program stops and says so. User mistakes are `Diagnostic` values. */
export class Bug extends Error {
  override name = 'Bug'
}

/** Ends a switch that handles every case. */
export function unreachable(value: never): never {
  throw new Bug(`unreachable: ${JSON.stringify(value)}`)
}
