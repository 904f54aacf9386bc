/** Small bounds bring the rare paths (children left over, parents too large for a claim) into runs of a few dozen tasks. */
export const smallBounds = { releasedInTransactionMax: 3, parentsBytesMax: 80, logLinesPerTaskMax: 3 }
