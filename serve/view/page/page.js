// The live view: asks for the pictures that are on the screen, at their size, and says when it has shown one.
'use strict';

const kinds = { running: 'good', opening: 'wait', stalled: 'wait', waiting: 'bad', failed: 'bad', ended: 'rest' };
const words = { waiting: 'lost, trying again' };
const causes = {
  refused: 'nobody listens there', not_found: 'not found', timeout: 'nothing came in time',
  authentication: 'the password is missing or wrong', codec: 'what comes cannot be decoded',
  ended: 'the other side ended it', other: 'lost',
};
const drops = { replaced: 'replaced', too_old: 'too old', not_chosen: 'not chosen', shut_down: 'at the end' };
const byId = (id) => document.getElementById(id);
const number = (value) => Number(value).toLocaleString('en-US');
const timeInWords = (ms) => {
  if (ms < 120e3) return `${Math.round(ms / 1000)} s`;
  return ms < 7200e3 ? `${Math.round(ms / 60e3)} min` : `${Math.round(ms / 3600e3)} h`;
};
const setText = (node, text) => { if (node.textContent !== text) node.textContent = text; };

// The token comes with the address once and is then kept where no address bar or history shows it.
const address = new URL(location.href);
if (address.searchParams.has('token')) {
  sessionStorage.setItem('token', address.searchParams.get('token'));
  address.searchParams.delete('token');
  history.replaceState(null, '', address);
}
const token = () => sessionStorage.getItem('token') || '';

const tiles = new Map();
let socket = null;

class Tile {
  constructor(name) {
    this.name = name;
    this.node = byId('tile').content.firstElementChild.cloneNode(true);
    this.node.dataset.stream = name;
    this.part = (selector) => this.node.querySelector(selector);
    this.image = this.part('img');
    this.counts = new Map();
    this.visible = false;
    setText(this.part('h2'), name);
    this.part('.enlarge').addEventListener('click', () => enlarge(this));
    seen.observe(this.node);
    sized.observe(this.part('.picture'));
  }

  remove() {
    seen.unobserve(this.node);
    sized.unobserve(this.part('.picture'));
    if (this.address) URL.revokeObjectURL(this.address);
    this.node.remove();
  }

  // In pixels; of a picture that fits into its place, see object-fit. Not all of a dense screen's: letters are drawn
  // into the picture and would be too small to read.
  width() {
    const place = this.part('.picture').getBoundingClientRect();
    const ratio = this.size ? this.size[1] / this.size[0] : 16 / 9;
    return Math.round(Math.min(place.width, place.height * ratio) * Math.min(window.devicePixelRatio || 1, 1.25));
  }

  show(stream) {
    this.size = stream.size[0] > 0 ? stream.size : null;
    const kind = kinds[stream.state] || 'rest';
    const changed = this.state !== undefined && this.state !== stream.state;
    this.state = stream.state;
    this.node.dataset.kind = kind;
    this.node.dataset.state = stream.state;
    const state = this.part('.state');
    state.dataset.kind = kind;
    setText(state.querySelector('span'), words[stream.state] || stream.state);
    this.part('h2').title = `${stream.name}: ${stream.source}, ${stream.policy}`;
    this.stream = stream;
    const answer = this.isOld() ? '' : stream.answer;
    setText(this.part('.answer'), answer);
    setText(this.part('.quality'), stream.quality ? `connection ${stream.quality}` : '');
    const why = stream.message || (stream.cause !== 'none' ? causes[stream.cause] || stream.cause : '');
    const cause = this.part('.cause');
    cause.hidden = !why;
    setText(cause, why);
    this.image.alt = `${stream.name}: ${answer || (this.isOld() ? 'the last picture' : 'no answer yet')}`;
    this.showRates(stream);
    this.showCounts(stream);
    if (changed) setText(byId('said'), `${stream.name}: ${words[stream.state] || stream.state}. ${why}`);
  }

  // An answer is of now, or of a file that was read to its end; what is drawn in the last picture before a loss is not.
  isOld() {
    return kinds[this.stream.state] !== 'good' && this.stream.state !== 'ended';
  }

  showAge() {
    const isRunning = kinds[this.stream.state] === 'good';
    const hasAnswers = this.stream.counts.ok + this.stream.counts.late > 0;
    this.part('.ages').hidden = !isRunning || !hasAnswers;
    const since = this.part('.since');
    since.hidden = isRunning || this.capturedAt === undefined;
    if (!since.hidden) setText(since, `, picture ${timeInWords(performance.now() - this.capturedAt)} old`);
  }

  showRates(stream) {
    const rates = this.part('.rates');
    if (!rates.firstChild) {
      rates.innerHTML = '<b data-rate="captured"></b>/s in, <b data-rate="answered"></b>/s answered' +
        '<span class="ages">, <b data-rate="age"></b> ms old (99 %: <b data-rate="p99"></b>)</span>' +
        '<span class="since"></span>';
    }
    const rate = (name, value) => setText(rates.querySelector(`[data-rate=${name}]`), value);
    rate('captured', stream.fps.captured.toFixed(1));
    rate('answered', stream.fps.answered.toFixed(1));
    rate('age', stream.age_ms.p50.toFixed(0));
    rate('p99', stream.age_ms.p99.toFixed(0));
    this.showAge();
  }

  showCounts(stream) {
    const counts = stream.counts;
    this.count('captured', 'captured', counts.captured);
    this.count('ok', 'answered', counts.ok);
    for (const [reason, label] of Object.entries(drops)) this.count(reason, label, counts.dropped[reason], true);
    this.count('late', 'late', counts.late, true);
    this.count('failed', 'failed', counts.failed, true, 'bad');
    this.count('in_flight', 'in flight', counts.in_flight);
    this.count('reconnects', 'reconnects', stream.reconnects, true);
  }

  // What has never happened is left out where `rare`.
  count(key, label, value, rare, tone) {
    let row = this.counts.get(key);
    if (!row) {
      row = document.createElement('div');
      row.append(document.createElement('dt'), document.createElement('dd'));
      row.firstChild.textContent = label;
      row.lastChild.dataset.count = key;
      this.counts.set(key, row);
      this.part('dl').append(row);
    }
    row.hidden = Boolean(rare) && value === 0;
    row.className = value === 0 ? 'zero' : tone || '';
    setText(row.lastChild, number(value));
  }

  // Acknowledged when it is on the screen: a slow client is sent less, not later.
  picture(header, blob) {
    const next = URL.createObjectURL(blob);
    const came = performance.now();
    const done = () => {
      if (this.address) URL.revokeObjectURL(this.address);
      this.address = next;
      this.node.dataset.frame = header.frame;
      this.node.dataset.width = header.width;
      this.capturedAt = header.age_ms === null ? undefined : came - header.age_ms;
      this.showAge();
      this.part('.none').hidden = true;
      this.image.hidden = false;
      say({ ack: 'picture', stream: this.name });
    };
    this.image.onload = done;
    this.image.onerror = done;
    this.image.src = next;
  }
}

function enlarge(tile) {
  const large = !tile.node.classList.contains('large');
  for (const other of tiles.values()) {
    other.node.classList.toggle('large', large && other === tile);
    other.part('.enlarge').setAttribute('aria-pressed', String(large && other === tile));
  }
  document.body.classList.toggle('one', large);
  arrange();
}
document.addEventListener('keydown', (event) => {
  const large = [...tiles.values()].find((tile) => tile.node.classList.contains('large'));
  if (event.key === 'Escape' && large) enlarge(large);
});

// Which tiles are on the screen, and how large: said when it has settled.
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const tile = tiles.get(entry.target.dataset.stream);
    if (tile) tile.visible = entry.isIntersecting;
  }
  lookSoon();
}, { rootMargin: '80px' });
const sized = new ResizeObserver(() => lookSoon());
let looking = 0;
let looked = '';
function lookSoon() {
  clearTimeout(looking);
  looking = setTimeout(look, 120);
}
function look() {
  const shown = document.hidden ? [] : [...tiles.values()].filter((tile) => tile.visible && tile.width() > 0);
  const text = JSON.stringify({ look: shown.map((tile) => [tile.name, tile.width()]) });
  if (text !== looked && send(text)) looked = text;
}
document.addEventListener('visibilitychange', lookSoon);

// On a screen with room for all tiles: as many columns as make their pictures largest.
function arrange() {
  const count = document.body.classList.contains('one') ? 1 : tiles.size;
  const main = byId('streams');
  const width = window.innerWidth - 24;
  const height = window.innerHeight - main.offsetTop - 24;
  let best = { columns: 1, size: 0 };
  for (let columns = 1; columns <= count; ++columns) {
    const rows = Math.ceil(count / columns);
    const tileWidth = (width - 10 * (columns - 1)) / columns;
    const picture = Math.min(tileWidth, ((height - 10 * (rows - 1)) / rows - 96) * 16 / 9);
    if (picture > best.size) best = { columns, size: picture, tileWidth };
  }
  const wall = window.innerWidth >= 900 && best.size >= 220;
  document.body.classList.toggle('wall', wall);
  document.body.classList.toggle('small', wall && best.tileWidth < 420);
  main.style.setProperty('--columns', best.columns);
  lookSoon();
}
window.addEventListener('resize', arrange);

function showSum(state) {
  const total = state.total;
  const dropped = Object.values(total.dropped).reduce((sum, value) => sum + value, 0);
  const running = state.streams.filter((stream) => stream.state === 'running').length;
  const parts = [
    ['running', `${running} of ${state.streams.length}`, 'streams run'], ['captured', number(total.captured), 'captured'],
    ['ok', number(total.ok), 'answered'], ['dropped', number(dropped), 'dropped'],
    ['late', number(total.late), 'late'], ['failed', number(total.failed), 'failed'],
  ];
  const sum = byId('sum');
  if (!sum.firstChild) {
    for (const [key, , label] of parts) {
      const part = document.createElement('span');
      const value = document.createElement('b');
      value.dataset.total = key;
      part.append(value, ` ${label}`);
      sum.append(part);
    }
  }
  for (const [key, value] of parts) setText(sum.querySelector(`[data-total=${key}]`), value);
}

function showState(state) {
  setText(document.querySelector('[data-model=name]'), state.model.name);
  setText(document.querySelector('[data-model=version]'), String(state.model.version));
  const problem = byId('problem');
  const hadProblem = !problem.hidden;
  problem.hidden = !state.model.problem;
  setText(problem.querySelector('pre'), state.model.problem);
  showSum(state);
  const there = new Set(state.streams.map((stream) => stream.name));
  let changed = hadProblem === problem.hidden;
  for (const [name, tile] of tiles) {
    if (there.has(name)) continue;
    if (tile.node.classList.contains('large')) enlarge(tile);
    tile.remove();
    tiles.delete(name);
    changed = true;
  }
  for (const stream of state.streams) {
    let tile = tiles.get(stream.name);
    if (!tile) {
      tile = new Tile(stream.name);
      tiles.set(stream.name, tile);
      byId('streams').append(tile.node);
      changed = true;
    }
    tile.show(stream);
  }
  byId('loading').hidden = true;
  byId('empty').hidden = state.streams.length > 0;
  document.title = `${state.model.name} – backbone-zoo live`;
  if (changed) arrange();
  document.body.dataset.ready = 'true';
}

function send(text) {
  if (!socket || socket.readyState !== WebSocket.OPEN) return false;
  socket.send(text);
  return true;
}
const say = (message) => send(JSON.stringify(message));

function showLink(kind, text) {
  byId('link').dataset.kind = kind;
  setText(byId('link').querySelector('span'), text);
}

function take(message) {
  if (typeof message.data === 'string') {
    showState(JSON.parse(message.data));
    say({ ack: 'state' });
    return;
  }
  const bytes = new Uint8Array(message.data);
  const size = new DataView(message.data).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const tile = tiles.get(header.stream);
  if (tile) tile.picture(header, new Blob([bytes.subarray(4 + size)], { type: 'image/jpeg' }));
  else say({ ack: 'picture', stream: header.stream });
}

let pause = 500;
async function connect() {
  showLink('wait', 'connecting…');
  let answer = null;
  try {
    answer = await fetch('/api/streams', token() ? { headers: { Authorization: `Bearer ${token()}` } } : {});
  } catch { /* nobody there: below */ }
  if (answer && answer.status === 401) {
    askForToken();
    return;
  }
  if (!answer || !answer.ok) {
    tryAgain();
    return;
  }
  try {
    showState(await answer.json());  // before the first that comes by itself
  } catch { /* the connection broke: the next attempt tells */ }
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const query = token() ? `?token=${encodeURIComponent(token())}` : '';
  socket = new WebSocket(`${scheme}//${location.host}/ws${query}`);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    pause = 500;
    looked = '';
    showLink('good', 'connected');
    lookSoon();
  };
  socket.onmessage = take;
  socket.onclose = tryAgain;
}

function tryAgain() {
  socket = null;
  showLink('bad', 'no connection to the program, trying again');
  setTimeout(connect, pause);
  pause = Math.min(pause * 2, 10000);
}

function askForToken() {
  const form = byId('entry');
  if (token()) setText(byId('entry-problem'), 'That is not the token that the program was started with.');
  form.hidden = false;
  byId('loading').hidden = true;
  showLink('wait', 'a token is asked for');
  byId('token').focus();
}
byId('entry').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem('token', byId('token').value);
  byId('entry').hidden = true;
  connect();
});

connect();
