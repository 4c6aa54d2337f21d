#!/usr/bin/env node
// Checks a country database (.mmdb) and prints what README.md says of it; used by refresh.sh.
//   node mmdb_info.mjs FILE.mmdb
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';

const MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');

// Addresses which every sound country database knows.
const KNOWN = {'8.8.8.8': 'US', '81.2.69.160': 'GB', '2001:4860:4860::8888': 'US'};
const LEAST_NODES = 200000;

function fail(message) {
  process.stderr.write(`mmdb_info: ${message}\n`);
  process.exit(1);
}

// Decodes the value at `pos`: [value, position after it]. Pointers count from `base`.
function decode(buf, pos, base) {
  const control = buf[pos++];
  let type = control >> 5;
  if (type === 1) {
    const size = (control >> 3) & 3;
    const low = buf.readUIntBE(pos, size + 1);
    const high = size === 3 ? 0 : (control & 7) * 2 ** (8 * (size + 1));
    const target = low + high + [0, 2048, 526336, 0][size];
    return [decode(buf, base + target, base)[0], pos + size + 1];
  }
  if (type === 0) type = 7 + buf[pos++];
  let size = control & 31;
  if (size > 28) {
    const bytes = size - 28;
    size = buf.readUIntBE(pos, bytes) + [29, 285, 65821][bytes - 1];
    pos += bytes;
  }
  if (type === 7 || type === 11) return decodeMany(buf, pos, base, size, type === 7);
  if (type === 14) return [size !== 0, pos];
  const end = pos + size;
  if (type === 2) return [buf.toString('utf8', pos, end), end];
  if (type === 3) return [buf.readDoubleBE(pos), end];
  if (type === 15) return [buf.readFloatBE(pos), end];
  let number = 0;
  while (pos < end) number = number * 256 + buf[pos++];
  return [number, end];
}

function decodeMany(buf, pos, base, size, isMap) {
  const out = isMap ? {} : [];
  for (let i = 0; i < size; i++) {
    let key = i;
    if (isMap) [key, pos] = decode(buf, pos, base);
    [out[key], pos] = decode(buf, pos, base);
  }
  return [out, pos];
}

// The address as 128 bits; IPv4 lies in ::/96.
function bits(address) {
  let words;
  if (address.includes(':')) {
    const [head, tail = ''] = address.split('::').map((s) => s && s.split(':'));
    const zeros = Array(8 - head.length - tail.length).fill('0');
    words = [...head, ...zeros, ...tail].map((w) => parseInt(w, 16));
  } else {
    const [a, b, c, d] = address.split('.').map(Number);
    words = [0, 0, 0, 0, 0, 0, a * 256 + b, c * 256 + d];
  }
  return words.map((w) => w.toString(2).padStart(16, '0')).join('');
}

function lookup(buf, meta, address) {
  const {node_count: count, record_size: size} = meta;
  const tree = count * size / 4;
  let node = 0;
  for (const bit of bits(address)) {
    const at = node * size / 4;
    if (size === 28) {
      node = bit === '0' ? ((buf[at + 3] >> 4) << 24) | buf.readUIntBE(at, 3)
        : buf.readUInt32BE(at + 3) & 0x0fffffff;
    } else {
      node = buf.readUIntBE(at + (bit === '0' ? 0 : size / 8), size / 8);
    }
    if (node >= count) break;
  }
  return node > count ? decode(buf, node - count + tree, tree + 16)[0] : undefined;
}

const file = process.argv[2] ?? fail('usage: mmdb_info.mjs FILE.mmdb');
const buf = readFileSync(file);
const start = buf.lastIndexOf(MARKER);
if (start < 0) fail(`${file}: not a MaxMind DB`);
const [meta] = decode(buf, start + MARKER.length, start + MARKER.length);
if (meta.ip_version !== 6) fail(`${file}: ip_version ${meta.ip_version}, not 6`);
if (meta.node_count < LEAST_NODES) fail(`${file}: ${meta.node_count} nodes only`);
for (const [address, country] of Object.entries(KNOWN)) {
  const got = lookup(buf, meta, address);
  const code = got?.country_code ?? got?.country?.iso_code;
  if (code !== country) fail(`${file}: ${address} is ${code ?? 'unknown'}, not ${country}`);
}
const built = new Date(meta.build_epoch * 1000).toISOString().slice(0, 16).replace('T', ' ');
process.stdout.write(`- Built: ${built} UTC (build_epoch ${meta.build_epoch})\n` +
  `- Metadata: database_type "${meta.database_type}", ip_version ${meta.ip_version}, ` +
  `${meta.node_count} nodes, record_size ${meta.record_size}\n` +
  `- Fields of a record: ${Object.keys(lookup(buf, meta, '8.8.8.8')).join(', ')}\n` +
  `- SHA-256 (unpacked): ${createHash('sha256').update(buf).digest('hex')}\n`);
