/** Every cap and time of the demo host, with its reason. What exceeds one closes that connection only. */

/** From accept to Font Map. FreeRDP 2 takes 1.4 s at its own pace; silence in any phase ends here. */
export const SET_UP_TIMEOUT_MS = 20_000

/** Viewers of one host at once; each costs a framebuffer, up to 9.4 MB. */
export const MAX_VIEWERS = 16

/** The Connection Request before TLS; 255 bytes of TPDU are all that X.224 allows. */
export const MAX_REQUEST_BYTES = 1_024

/** One frame of a client after TLS; the largest seen are 460 bytes. */
export const MAX_FRAME_BYTES = 32_768

/** Desktops outside of these bounds get the nearest size inside. */
export const MIN_DESKTOP = { width: 320, height: 200 } as const
export const MAX_DESKTOP = { width: 4_096, height: 2_304 } as const

/**
 * Between Font Map and first picture. IronRDP 0.7 drops what arrives together with the Font Map and then
 * reads in the middle of a message; 200 ms never failed. FreeRDP does not care.
 */
export const FIRST_PICTURE_DELAY_MS = 200

/** Changes are collected this long before they are sent. */
export const FLUSH_INTERVAL_MS = 40

/**
 * After a flush the next one waits a millisecond for each so many pixels: a client that asks for whole
 * pictures in a loop gets one in ten milliseconds' worth of encoding, not a busy process.
 */
export const PIXELS_PER_PAUSE_MS = 20_000

/** Output that a client has not taken yet; above it nothing is encoded, the areas stay dirty. */
export const MAX_QUEUED_BYTES = 1_048_576

/** Seconds of clock ticks with unsent output after which a viewer counts as gone. */
export const MAX_STALLED_TICKS = 60

/** Typed characters that are kept for the echo line. */
export const MAX_TYPED_CHARACTERS = 60

/** Time for the last bytes to leave after the end of a connection. */
export const CLOSE_TIMEOUT_MS = 2_000
