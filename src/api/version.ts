/** Which versions of the Docker Engine API are spoken: 1.24 to 1.50. */
export const minimalMinor = 24;
export const currentMinor = 50;
export const apiVersion = `1.${currentMinor}`;
