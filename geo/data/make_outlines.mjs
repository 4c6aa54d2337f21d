#!/usr/bin/env node
// Writes outlines.txt from npm's world-atlas; see README.md. Called by refresh.sh --outlines:
//   node make_outlines.mjs MODULES_DIR PLACES.json > outlines.txt
import {readFileSync} from 'node:fs';
import {join} from 'node:path';

const SOURCE = 'countries-50m.json';

// Points that lie nearer than this to the line without them are left out: a third of a pixel of a picture
// 1,200 wide. Borders are simplified once for both countries, so that they still meet.
const TOLERANCE_DEGREES = 0.1;
// Islands and holes that are smaller make no dot in such a picture. A country's largest ring always stays.
const RING_SQUARE_DEGREES_MIN = 0.06;

// Natural Earth has no code for these; GeoIP databases count them so.
const CODE_OF_NAME = {
  Kosovo: 'XK', Somaliland: 'SO', 'N. Cyprus': 'CY', 'Indian Ocean Ter.': 'AU',
  'Siachen Glacier': null, // claimed by two; a few glaciers
};
// Left out: the picture ends at 60 degrees south.
const SKIPPED = new Set(['AQ']);

// Parts of a country that have a code of their own in ISO 3166-1: [west, south, east, north] → code.
const PARTS = {
  FR: [
    [[-55, 2, -51, 6], 'GF'], [[-62, 15.7, -60.9, 16.6], 'GP'], [[-61.3, 14.3, -60.7, 15], 'MQ'],
    [[55, -21.5, 56, -20.7], 'RE'], [[44.9, -13.1, 45.4, -12.5], 'YT'],
  ],
  NO: [[[-10, 70.5, -7, 71.5], 'SJ'], [[9, 74, 36, 81], 'SJ'], [[3, -55, 4, -54], 'BV']],
  NL: [[[-69, 11.9, -62.8, 17.8], 'BQ']],
  AU: [[[105, -11, 106, -10], 'CX'], [[96, -13, 97.5, -11], 'CC']],
};

function fail(message) {
  process.stderr.write(`make_outlines: ${message}\n`);
  process.exit(1);
}

// "276" → DE.
function codesByNumber(places) {
  const codes = new Map();
  for (const [code, {m49}] of Object.entries(JSON.parse(places).countries)) if (m49) codes.set(m49, code);
  if (codes.size < 240) fail(`places.json gives only ${codes.size} country numbers`);
  return codes;
}

// Douglas-Peucker; keeps both ends.
function simplify(points) {
  const kept = new Uint8Array(points.length);
  kept[0] = kept[points.length - 1] = 1;
  const pending = [[0, points.length - 1]];
  while (pending.length > 0) {
    const [first, last] = pending.pop();
    let [farthest, most] = [-1, TOLERANCE_DEGREES];
    for (let i = first + 1; i < last; i++) {
      const far = distance(points[i], points[first], points[last]);
      if (far > most) [farthest, most] = [i, far];
    }
    if (farthest < 0) continue;
    kept[farthest] = 1;
    pending.push([first, farthest], [farthest, last]);
  }
  return points.filter((_, i) => kept[i]);
}

// Of a point from a stretch; the same point twice where a ring begins and ends there.
function distance([x, y], [x1, y1], [x2, y2]) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy;
  const at = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / length));
  return Math.hypot(x - x1 - at * dx, y - y1 - at * dy);
}

// Arcs as longitude and latitude: TopoJSON has them as steps on a grid.
function decodeArcs({arcs, transform: {scale, translate}}) {
  return arcs.map((arc) => {
    let [x, y] = [0, 0];
    return simplify(unwrap(arc.map(([dx, dy]) => {
      x += dx;
      y += dy;
      return [x * scale[0] + translate[0], y * scale[1] + translate[1]];
    })));
  });
}

// Across the date line longitudes go on: 179, 181, not 179, -179.
function unwrap(points) {
  let last = points[0][0];
  return points.map(([x, y]) => {
    last = x + 360 * Math.round((last - x) / 360);
    return [last, y];
  });
}

// The part of a ring on one side of a meridian (Sutherland-Hodgman).
function clip(ring, isInside, meridian) {
  const kept = [];
  ring.forEach((point, i) => {
    const next = ring[(i + 1) % ring.length];
    if (isInside(point[0])) kept.push(point);
    if (isInside(point[0]) === isInside(next[0])) return;
    const part = (meridian - point[0]) / (next[0] - point[0]);
    kept.push([meridian, point[1] + part * (next[1] - point[1])]);
  });
  return kept;
}

// A ring across the date line as two, one at each edge of a map.
function cutAtDateLine(ring) {
  const longitudes = ring.map(([x]) => x);
  for (const meridian of [-180, 180]) {
    if (Math.min(...longitudes) >= meridian || Math.max(...longitudes) <= meridian) continue;
    const west = clip(ring, (x) => x <= meridian, meridian);
    const east = clip(ring, (x) => x >= meridian, meridian);
    return meridian > 0 ? [west, east.map(([x, y]) => [x - 360, y])] : [west.map(([x, y]) => [x + 360, y]), east];
  }
  return [ring];
}

// ~i is arc i backwards; each arc begins where the one before ends.
const ringOf = (arcs, indexes) => unwrap(indexes.flatMap((index) => {
  const arc = index < 0 ? [...arcs[~index]].reverse() : arcs[index];
  return arc.slice(0, -1);
}));

function area(ring) {
  let sum = 0;
  ring.forEach(([x, y], i) => {
    const [nextX, nextY] = ring[(i + 1) % ring.length];
    sum += x * nextY - nextX * y;
  });
  return Math.abs(sum) / 2;
}

function codeOfPolygon(code, ring) {
  const [x, y] = ring[0];
  const part = (PARTS[code] ?? []).find(([[west, south, east, north]]) =>
    x >= west && x <= east && y >= south && y <= north);
  return part ? part[1] : code;
}

function collect(topology, codes) {
  const arcs = decodeArcs(topology);
  const rings = new Map(); // code → rings, outer ones and holes alike
  for (const geometry of topology.objects.countries.geometries) {
    const {name} = geometry.properties;
    const code = geometry.id === undefined ? CODE_OF_NAME[name] : codes.get(geometry.id);
    if (code === undefined) fail(`no code for ${name} (${geometry.id})`);
    if (code === null || SKIPPED.has(code)) continue;
    for (const polygon of geometry.type === 'Polygon' ? [geometry.arcs] : geometry.arcs) {
      const outlines = polygon.flatMap((indexes) => cutAtDateLine(ringOf(arcs, indexes)));
      const owner = codeOfPolygon(code, outlines[0]);
      rings.set(owner, [...(rings.get(owner) ?? []), ...outlines]);
    }
  }
  return rings;
}

// Hundredths of a degree, largest ring first, one a line.
function lines(code, rings) {
  const sorted = rings.filter((ring) => ring.length > 2).sort((a, b) => area(b) - area(a));
  return sorted.filter((ring, i) => i === 0 || area(ring) >= RING_SQUARE_DEGREES_MIN).map((ring) =>
    `${code} ${ring.map(([x, y]) => `${Math.round(x * 100)},${Math.round(y * 100)}`).join(' ')}`);
}

function main() {
  const [modules, placesFile] = process.argv.slice(2);
  if (!modules || !placesFile) fail('usage: make_outlines.mjs MODULES_DIR PLACES.json');
  const read = (path) => readFileSync(path, 'utf8');
  const {version} = JSON.parse(read(join(modules, 'world-atlas', 'package.json')));
  const topology = JSON.parse(read(join(modules, 'world-atlas', SOURCE)));
  const rings = collect(topology, codesByNumber(read(placesFile)));
  const out = [
    `# Outlines of countries, for pictures. From world-atlas ${version} (${SOURCE}: Natural Earth, public domain),`,
    '# simplified. Made by refresh.sh --outlines; do not edit.',
    '# A line is a ring: the country, then longitude,latitude in hundredths of a degree. The ring is closed, and',
    '# holes are rings as well (fill rule even-odd).',
  ];
  for (const code of [...rings.keys()].sort()) out.push(...lines(code, rings.get(code)));
  process.stdout.write(`${out.join('\n')}\n`);
}

main();
