/** Why an expression cannot be compiled, in libpcap's words. Thrown and caught within the compiler only. */
export class FilterError extends Error {}
