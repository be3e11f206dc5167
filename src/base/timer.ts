/** Milliseconds (24 days): a longer timer of Node's fires at once. */
export const longestTimer = 2 ** 31 - 1;
