/**
 * Places on the map as stored bytes: per point, latitude and longitude as two big-endian
 * 16-bit integers in hundredths of a degree. Every index entry carries its point (a
 * covering index: the map needs no second read), and every loaded batch carries all of its
 * points, from which the map is drawn after a reload.
 */

export interface Point {
  lat: number;
  lng: number;
}

export const POINT_BYTES = 4;

export function packPoints(points: readonly Point[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(points.length * POINT_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, point] of points.entries()) {
    view.setInt16(index * POINT_BYTES, Math.round(point.lat * 100));
    view.setInt16(index * POINT_BYTES + 2, Math.round(point.lng * 100));
  }
  return bytes;
}

/** Appends the points of `bytes` to `into`. */
export function unpackPoints(bytes: Uint8Array, into: Point[] = []): Point[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + POINT_BYTES <= bytes.length; offset += POINT_BYTES) {
    into.push({ lat: view.getInt16(offset) / 100, lng: view.getInt16(offset + 2) / 100 });
  }
  return into;
}
