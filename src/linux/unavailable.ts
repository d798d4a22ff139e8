/** A backend cannot run here: one sentence that says why, and what would help. */
export class BackendUnavailable extends Error {}
