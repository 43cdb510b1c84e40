/** Subspaces, encodings, versionstamp templates and what selectors make of encoded keys. */
import { assert } from 'chai';
import {
  type BytesLike,
  concat2,
  defaultTransformer,
  encoders,
  errorCodes,
  isGetSubspace,
  keySelector,
  packPrefixedVersionstamp,
  packVersionstamp,
  packVersionstampPrefixSuffix,
  prefixTransformer,
  root,
  Subspace,
  startsWith,
  type Transformer,
  tuple,
  util,
} from 'plinthdb';
import { fromHex, hex, utf8 } from './bytes.ts';
import { codeThrownBy } from './fixture.ts';

export function subspaces(): void {
  describe('subspaces', () => {
    keys();
    ranges();
    versionstamped();
  });
  describe('encoders', encodings);
  describe('transformers', transformers);
  describe('versionstamp templates', templates);
  describe('key selectors of encoded keys', () => {
    it('select by the bytes of the key', () => {
      const selector = keySelector.next(keySelector.firstGreaterThan(['a', 1]));
      const native = keySelector.toNative(selector, tuple);
      assert.equal(hex(native.key as Uint8Array), '0261001501');
      assert.deepEqual([native.orEqual, native.offset], [true, 2]);
      assert.isTrue(keySelector.isKeySelector(native));
      assert.strictEqual(keySelector.from(selector), selector);
    });
  });
}

function keys(): void {
  it('a key is the prefix and the encoded rest', () => {
    const users = new Subspace('u/').withKeyEncoding(tuple).withValueEncoding(encoders.json);
    const key = users.packKey(['ann', 1]);
    assert.equal(hex(key), `752f${hex(tuple.pack(['ann', 1]))}`);
    assert.deepEqual(users.unpackKey(key), ['ann', 1]);
    assert.deepEqual(users.unpackValue(users.packValue({ a: [1] })), { a: [1] });
    assert.equal(
      codeThrownBy(() => users.unpackKey(utf8('v/x'))),
      errorCodes.key_not_in_subspace,
    );
    assert.throws(() => users.unpackKey(utf8('v/x')), 'Cannot unpack key outside of prefix range');
  });

  it('without encodings, keys and values are bytes', () => {
    const subspace = new Subspace(Uint8Array.of(1));
    assert.deepEqual(subspace.packKey('a'), Uint8Array.of(1, 97));
    assert.deepEqual(subspace.unpackKey(Uint8Array.of(1, 97)), Uint8Array.of(97));
    assert.deepEqual(subspace.packValue('ü'), utf8('ü'));
    assert.deepEqual(subspace.unpackValue(utf8('ü')), utf8('ü'));
    assert.deepEqual(root.packKey('a'), utf8('a'));
    assert.equal(root.prefix.length, 0);
    assert.deepEqual(new Subspace(null).prefix, root.prefix);
  });

  it('a prefix that its giver changes later stays what it was', () => {
    const prefix = Uint8Array.of(1);
    const subspace = new Subspace(prefix);
    prefix[0] = 2;
    assert.deepEqual(subspace.prefix, Uint8Array.of(1));
  });

  it('Buffers that are given are neither changed nor kept', () => {
    const { Buffer } = globalThis as { Buffer?: { from(text: string): Uint8Array } };
    // Their `slice` is a view, unlike that of other bytes.
    if (!Buffer) return;
    const prefix = Buffer.from('ab');
    assert.deepEqual(Uint8Array.from(util.strInc(prefix)), utf8('ac'));
    assert.equal(hex(prefix), '6162');
    const subspace = new Subspace(prefix);
    prefix[0] = 0;
    assert.equal(hex(subspace.prefix), '6162');
  });

  it('`at` goes down by the encoding at hand, and may change it below', () => {
    const tuples = new Subspace('p', tuple, encoders.json);
    assert.equal(hex(tuples.at(['a']).prefix), '70026100');
    const strings = tuples.at(['a'], encoders.string);
    assert.equal(hex(strings.packKey('b')), '7002610062');
    assert.strictEqual<unknown>(strings.valueXf, encoders.json);
    const numbers = tuples.at(['a'], undefined, encoders.int32BE);
    assert.strictEqual<unknown>(numbers.keyXf, tuple);
    assert.equal(hex(numbers.packValue(-2)), 'fffffffe');
    assert.deepEqual(tuples.at(null).prefix, tuples.prefix);
    assert.equal(hex(tuples.atRaw('x').prefix), '7078');
    assert.equal(hex(tuples.withKeyEncoding().packKey('x')), '7078');
    assert.equal(hex(tuples.withValueEncoding().packValue('x')), '78');
  });

  it('knows which bytes begin with the prefix, and that it is a subspace', () => {
    const subspace = new Subspace('ab');
    assert.isTrue(subspace.contains('ab'));
    assert.isTrue(subspace.contains(utf8('abc')));
    assert.isFalse(subspace.contains('a'));
    assert.strictEqual(subspace.getSubspace(), subspace);
    assert.isTrue(isGetSubspace(subspace));
    assert.isFalse(isGetSubspace(null));
    assert.isFalse(isGetSubspace({}));
  });
}

function ranges(): void {
  const digits = ({ begin, end }: { begin: BytesLike; end: BytesLike }) => [
    hex(begin as Uint8Array),
    hex(end as Uint8Array),
  ];

  it('a range of tuples holds those with more elements, a range of bytes those that begin with them', () => {
    assert.deepEqual(digits(new Subspace('p', tuple).packRange(['a'])), ['7002610000', '70026100ff']);
    assert.deepEqual(digits(new Subspace('p').packRange('a')), ['7061', '7062']);
    assert.deepEqual(digits(root.packRange('')), ['', 'ff']);
  });

  it('a range by prefix goes by bytes, whatever the encoding', () => {
    assert.deepEqual(digits(new Subspace('p', tuple).packRangeStartsWith(['a'])), ['70026100', '70026101']);
  });

  it('a range can go from a key to the end of the subspace', () => {
    const subspace = new Subspace('p', tuple);
    assert.deepEqual(digits(subspace.packRangeFrom([5])), ['701505', '71']);
    assert.deepEqual(digits(subspace.packRangeFrom()), ['70', '71']);
    assert.deepEqual(digits(root.packRangeFrom('x')), ['78', 'ff']);
    assert.deepEqual(digits(new Subspace(Uint8Array.of(1, 255)).packRangeFrom()), ['01ff', '02']);
  });
}

function versionstamped(): void {
  it('the position of a versionstamp counts the prefix', () => {
    const subspace = new Subspace('p', tuple, tuple);
    const key = subspace.packKeyUnboundVersionstamp(['a', tuple.unboundVersionstamp()]);
    assert.deepEqual([key.stampPos, key.codePos], [5, 15]);
    assert.equal(hex(key.data), `7002610033${'ff'.repeat(10)}0000`);
    const value = subspace.packValueUnboundVersionstamp([tuple.unboundVersionstamp(1)]);
    assert.deepEqual([value.stampPos, value.codePos], [1, undefined]);
    const bytes = new Subspace('p');
    assert.throws(() => bytes.packKeyUnboundVersionstamp('a'), TypeError, 'unbound versionstamps');
  });
}

function encodings(): void {
  it('int32BE', () => {
    for (const number of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) {
      assert.equal(encoders.int32BE.unpack(encoders.int32BE.pack(number) as Uint8Array), number);
    }
    assert.equal(hex(encoders.int32BE.pack(258) as Uint8Array), '00000102');
    for (const number of [2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN]) {
      assert.throws(() => encoders.int32BE.pack(number), RangeError);
    }
    assert.throws(() => encoders.int32BE.unpack(new Uint8Array(3)), RangeError);
    const inside = Uint8Array.of(9, 0, 0, 1, 2, 9).subarray(1, 5);
    assert.equal(encoders.int32BE.unpack(inside), 258);
  });

  it('json', () => {
    const json = new Subspace(null, encoders.json, encoders.json);
    for (const value of [null, 0, 'ü', { a: [1, { b: null }] }]) {
      assert.deepEqual(json.unpackValue(json.packValue(value)), value);
    }
    assert.throws(() => json.packValue(undefined), TypeError);
    assert.throws(() => json.unpackValue(utf8('{')), SyntaxError);
  });

  it('string', () => {
    const strings = new Subspace(null, encoders.string, encoders.string);
    for (const text of ['', 'ü', '\ufeffa', '\u{1f525}']) {
      assert.equal(strings.unpackKey(strings.packKey(text)), text);
    }
    assert.equal(strings.unpackKey(Uint8Array.of(0x61, 0xff)), 'a\ufffd');
  });

  it('buf', () => {
    const bytes = Uint8Array.of(0, 255);
    assert.strictEqual(encoders.buf.pack(bytes), bytes);
    assert.strictEqual(encoders.buf.unpack(bytes), bytes);
    assert.throws(() => encoders.buf.pack(5 as never), TypeError);
  });

  it('tuple', () => {
    assert.strictEqual(encoders.tuple, tuple);
  });
}

function transformers(): void {
  const prefixed = prefixTransformer('p', tuple);

  it('a prefixed one does what its inner one does, after the prefix', () => {
    assert.equal(prefixed.name, 'prefixed tuple');
    assert.equal(hex(prefixed.pack(['a']) as Uint8Array), '70026100');
    assert.deepEqual(prefixed.unpack(fromHex('70026100')), ['a']);
    assert.equal(
      codeThrownBy(() => prefixed.unpack(fromHex('71'))),
      errorCodes.key_not_in_subspace,
    );
    const range = prefixed.range?.(['a']);
    assert.deepEqual(range, { begin: fromHex('7002610000'), end: fromHex('70026100ff') });
    assert.equal(prefixed.packUnboundVersionstamp?.([tuple.unboundVersionstamp(1)]).stampPos, 2);
    const items: tuple.TupleItem[] = [tuple.unboundVersionstamp(1)];
    prefixed.bakeVersionstamp?.(items, new Uint8Array(10), null);
    assert.equal((items[0] as { type: string }).type, 'versionstamp');
  });

  it('a prefixed one has what its inner one has', () => {
    const bytes = prefixTransformer('p', defaultTransformer);
    assert.isUndefined(bytes.packUnboundVersionstamp);
    assert.isUndefined(bytes.bakeVersionstamp);
    assert.deepEqual(bytes.range?.('a'), { begin: utf8('pa'), end: utf8('pb') });
  });

  it('two functions make one', () => {
    const date: Transformer<Date, Date> = {
      pack: (value) => tuple.pack(value.getTime()),
      unpack: (bytes) => new Date(Number(tuple.unpack(bytes)[0])),
    };
    const days = new Subspace('d', date);
    const today = new Date(86_400_000);
    assert.deepEqual(days.unpackKey(days.packKey(today)), today);
  });
}

function templates(): void {
  const stamp = 'ff'.repeat(10);

  it('end with where the stamp goes', () => {
    const packed = tuple.packUnboundVersionstamp(['foo', tuple.unboundVersionstamp(0)]);
    assert.equal(hex(packVersionstamp(packed, true)), `02666f6f0033${stamp}000006000000`);
    const short = tuple.packUnboundVersionstamp(tuple.unboundVersionstamp(5));
    assert.equal(hex(packPrefixedVersionstamp(Uint8Array.of(1), short, true)), `0133${stamp}000502000000`);
  });

  it('can be a prefix, the stamp and a suffix', () => {
    const template = packVersionstampPrefixSuffix(utf8('foo'), utf8('b'), false);
    assert.equal(hex(template), `666f6f${'00'.repeat(10)}6203000000`);
    assert.equal(hex(packVersionstampPrefixSuffix()), `${'00'.repeat(10)}00000000`);
  });

  it('helpers for bytes', () => {
    assert.isTrue(startsWith(utf8('abc'), utf8('ab')));
    assert.isFalse(startsWith(utf8('a'), utf8('ab')));
    assert.deepEqual(concat2(utf8('a'), utf8('b')), utf8('ab'));
    assert.deepEqual(util.strInc('a\uffff'), fromHex('61efbfc0'));
    assert.deepEqual(util.strInc(Uint8Array.of(1, 255)), Uint8Array.of(2));
  });
}
