/**
 * What `run` answers; once more when it fails, since minutes of measurements are lost with one that does: on a
 * busy machine a device may come up late.
 */
export async function twice(run) {
  try {
    return await run();
  } catch (error) {
    console.error(`once more: ${error.message}`);
    return await run();
  }
}
