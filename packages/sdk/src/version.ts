/** Of this package; a test holds it to package.json, which a bundled program does not carry along. */
export const version = '0.1.0'

/** What a worker says it is built on, in the manner of a user agent. */
export const builtOn = `tasklane-sdk/${version} node/${process.versions.node}`
