/** The tuple layer: FoundationDB's bytes, the order of elements, what JavaScript's values become. */
import { assert } from 'chai';
import { errorCodes, tuple } from 'plinthdb';
import { fromHex, hex } from './bytes.ts';
import { codeThrownBy } from './fixture.ts';
import { Random } from './random.ts';
import { randomTuple, toItem, type VectorItem } from './tuple-items.ts';
import vectors from './tuple-vectors.json' with { type: 'json' };

interface Vector {
  packed?: string;
  template?: string;
  read?: string;
  malformed?: string;
  tuple?: VectorItem[];
  code?: number;
  message?: string;
}

const { pack, unpack } = tuple;

export function tuples(seed: number): void {
  describe('tuples', () => {
    sharedVectors(vectors as Vector[]);
    javaScriptValues();
    versionstamps();
    random(seed);
  });
}

function sharedVectors(all: readonly Vector[]): void {
  it('packs and unpacks what the engine does, byte for byte', () => {
    let count = 0;
    for (const { packed, tuple: items } of all) {
      if (packed === undefined || items === undefined) continue;
      count += 1;
      const elements = items.map(toItem);
      assert.equal(hex(pack(elements)), packed);
      assert.deepEqual(unpack(fromHex(packed), true), elements, packed);
      assert.equal(hex(pack(unpack(fromHex(packed), true))), packed);
    }
    assert.isAbove(count, 1_000);
  });

  it('packs an unbound versionstamp where the engine does', () => {
    let count = 0;
    for (const { template, tuple: items } of all) {
      if (template === undefined || items === undefined) continue;
      count += 1;
      const { data, stampPos, codePos } = tuple.packUnboundVersionstamp(items.map(toItem));
      const position = new Uint8Array(4);
      new DataView(position.buffer).setUint32(0, stampPos, true);
      assert.equal(hex(data) + hex(position), template);
      assert.isUndefined(codePos);
      assert.deepEqual(unpack(data, true), items.map(toItem));
      assert.throws(() => pack(items.map(toItem)), TypeError, 'Incomplete versionstamp');
    }
    assert.isAbove(count, 100);
  });

  it('reads damaged bytes as the engine does, or fails with the same error', () => {
    let [readCount, malformedCount] = [0, 0];
    for (const { read, malformed, tuple: items, code, message } of all) {
      if (read !== undefined && items !== undefined) {
        readCount += 1;
        assert.deepEqual(unpack(fromHex(read), true), items.map(toItem), read);
      } else if (malformed !== undefined) {
        malformedCount += 1;
        assert.equal(
          codeThrownBy(() => unpack(fromHex(malformed))),
          code,
          malformed,
        );
        assert.throws(() => unpack(fromHex(malformed)), message ?? '', malformed);
      }
    }
    assert.isAbove(readCount, 50);
    assert.isAbove(malformedCount, 50);
  });
}

function javaScriptValues(): void {
  const cases: [tuple.TupleIn, string][] = [
    [undefined, ''],
    [[], ''],
    [null, '00'],
    ['hello', '0268656c6c6f00'],
    [['user', 42, 'name'], '027573657200152a026e616d6500'],
    [[Uint8Array.of(0, 255)], '0100ffff00'],
    [2 ** 53 - 1, '1b1fffffffffffff'],
    [-(2 ** 53 - 1), '0de0000000000000'],
    [2n ** 53n, '1b20000000000000'],
    [2 ** 53, '21c340000000000000'],
    [-0, '217fffffffffffffff'],
    [1.5, '21bff8000000000000'],
    [5n, '1505'],
    [2n ** 64n - 1n, '1cffffffffffffffff'],
    [-(2n ** 64n - 1n), '0c0000000000000000'],
    [2n ** 64n, '1d09010000000000000000'],
    [-(2n ** 64n), '0bf6feffffffffffffffff'],
    [Number.NaN, '21fff8000000000000'],
    [{ type: 'double', value: 2 }, '21c000000000000000'],
    [{ type: 'float', value: -42 }, '203dd7ffff'],
    ['\u{1f525}', '02f09f94a500'],
    ['\ufeffa', '02efbbbf6100'],
  ];
  for (const [value, packed] of cases) {
    const isArray = Array.isArray(value);
    it(`${isArray ? JSON.stringify(value.map(String)) : String(value)} packs to ${packed || 'nothing'}`, () => {
      assert.equal(hex(pack(value)), packed);
    });
  }

  it('integers come back as numbers where these are safe and as bigints where not', () => {
    const values = [0, 2 ** 53 - 1, -(2 ** 53 - 1), 2n ** 53n, -(2n ** 53n), 2n ** 200n, -(10n ** 30n)];
    assert.deepEqual(unpack(pack(values)), values);
    assert.deepEqual(unpack(pack([1n, -1n])), [1, -1]);
    assert.deepEqual(unpack(fromHex('1d020007130b')).slice(0, 1), [7]);
    const zero = unpack(fromHex('13ff'))[0];
    assert.isTrue(Object.is(zero, 0), 'there is no negative zero among the integers');
  });

  it('floats come back as numbers, or with all their bits', () => {
    const packed = fromHex('20bfc00000217fffffffffffffff');
    assert.deepEqual(unpack(packed), [1.5, -0]);
    assert.deepEqual(unpack(packed, true), [
      { type: 'float', value: 1.5, rawEncoding: fromHex('3fc00000') },
      { type: 'double', value: -0, rawEncoding: fromHex('8000000000000000') },
    ]);
  });

  it('lone surrogates become U+FFFD, in strings of any length', () => {
    const long = 'x'.repeat(300);
    for (const [text, packed] of [
      ['\ud800', '\ufffd'],
      ['a\udc00b', 'a\ufffdb'],
      ['\udc00\ud800', '\ufffd\ufffd'],
      [`${long}\ud800`, `${long}\ufffd`],
    ] as const) {
      assert.deepEqual(unpack(pack([text])), [packed]);
    }
  });

  it('strings of any length and script come back', () => {
    for (let length = 0; length < 600; length += 7) {
      for (const character of ['x', 'é', '\0', '\uffff', '\u{1f525}']) {
        const text = `${'y'.repeat(length)}${character.repeat(3)}`;
        assert.deepEqual(unpack(pack([text, 1])), [text, 1]);
      }
    }
  });

  it('bytes come back as copies of their own', () => {
    const packed = pack([Uint8Array.of(1, 2), { type: 'uuid', value: new Uint8Array(16) }]);
    const [bytes, uuid] = unpack(packed) as [Uint8Array, { value: Uint8Array }];
    packed.fill(9);
    assert.deepEqual(bytes, Uint8Array.of(1, 2));
    assert.deepEqual(uuid.value, new Uint8Array(16));
    assert.equal(bytes.buffer.byteLength, 2);
  });

  it('a packed tuple is not changed by the next', () => {
    const first = pack(['first']);
    pack(['other']);
    assert.deepEqual(unpack(first), ['first']);
  });

  it('an element whose getter packs a tuple packs as any other', () => {
    const item = {
      type: 'double' as const,
      get value() {
        return pack(['inside']).length;
      },
    };
    assert.deepEqual(unpack(pack(['before', item, 'after'])), ['before', 8, 'after']);
  });

  it('what is no element is a TypeError or an FDBError that says so', () => {
    const no = (value: unknown) => () => pack(value as tuple.TupleIn);
    assert.throws(no([undefined]), TypeError, 'Packed element cannot be undefined');
    assert.throws(no([{}]), TypeError, 'Packed items must be basic types or lists');
    assert.throws(no([() => 1]), TypeError, 'Packed items must be basic types or lists');
    assert.throws(no([Symbol('s')]), TypeError, 'Packed items must be basic types or lists');
    assert.equal(codeThrownBy(no(2n ** 2040n)), errorCodes.invalid_tuple_data_type);
    assert.equal(hex(pack(2n ** 2040n - 1n)), `1dff${'ff'.repeat(255)}`);
    const short = { value: new Uint8Array(3) };
    assert.equal(codeThrownBy(no({ type: 'uuid', ...short })), errorCodes.invalid_uuid_size);
    assert.equal(codeThrownBy(no({ type: 'versionstamp', ...short })), errorCodes.invalid_versionstamp_size);
    assert.equal(codeThrownBy(no({ type: 'uuid', value: 'text' })), errorCodes.invalid_uuid_size);
    assert.throws(() => unpack('text' as never), TypeError);
    // A failure leaves nothing behind.
    assert.equal(hex(pack('a')), '026100');
  });

  it('tuples nest up to a limit, whatever the bytes say', () => {
    const deepest = new Uint8Array(2_000).fill(5, 0, 1_000);
    assert.deepEqual(pack(unpack(deepest)), deepest);
    const deeper = new Uint8Array(100_000).fill(5);
    assert.equal(
      codeThrownBy(() => unpack(deeper)),
      errorCodes.invalid_tuple_data_type,
    );
    assert.equal(
      codeThrownBy(() => pack([unpack(deepest)])),
      errorCodes.invalid_tuple_data_type,
    );
  });

  it('a range holds the extensions of a tuple and not the tuple', () => {
    const { begin, end } = tuple.range(['a']);
    assert.deepEqual([hex(begin), hex(end)], ['02610000', '026100ff']);
    assert.deepEqual(tuple.range('a'), { begin, end });
    assert.deepEqual(tuple.range(), { begin: tuple.rawRange.begin, end: tuple.rawRange.end });
    assert.deepEqual([hex(tuple.rawRange.begin), hex(tuple.rawRange.end)], ['00', 'ff']);
  });

  it('has a name, and puts pieces together', () => {
    assert.equal(tuple.name, 'tuple');
    assert.deepEqual(tuple.concat2(Uint8Array.of(1), Uint8Array.of(2, 3)), Uint8Array.of(1, 2, 3));
  });
}

function versionstamps(): void {
  const stamp = fromHex('00010203040506070809');

  it('an unbound versionstamp without a code says where its code goes', () => {
    const packed = tuple.packUnboundVersionstamp(['foo', tuple.unboundVersionstamp()]);
    assert.equal(hex(packed.data), `02666f6f0033${'ff'.repeat(10)}0000`);
    assert.deepEqual([packed.stampPos, packed.codePos], [6, 16]);
    const coded = tuple.packUnboundVersionstamp([['a', tuple.unboundVersionstamp(1)], 7]);
    assert.equal(hex(coded.data), `0502610033${'ff'.repeat(10)}0001001507`);
    assert.deepEqual(coded, { data: coded.data, stampPos: 5 });
  });

  it('exactly one unbound versionstamp is packed', () => {
    const unbound = tuple.unboundVersionstamp(1);
    const none = 'No incomplete versionstamp included in tuple pack with versionstamp';
    assert.throws(() => tuple.packUnboundVersionstamp(['a']), TypeError, none);
    const several = 'Tuples may only contain 1 unset versionstamp';
    assert.throws(() => tuple.packUnboundVersionstamp([unbound, [unbound]]), TypeError, several);
    assert.throws(() => pack(unbound), TypeError, 'Incomplete versionstamp included in vanilla tuple pack');
    for (const code of [-1, 65_536, 0.5]) {
      assert.throws(() => tuple.packUnboundVersionstamp(tuple.unboundVersionstamp(code)), RangeError);
    }
  });

  it('baking replaces unbound versionstamps in place', () => {
    const items: tuple.TupleItem[] = ['a', [tuple.unboundVersionstamp(258)], { type: 'float', value: 1 }];
    tuple.bakeVersionstamp(items, stamp, null);
    const baked = { type: 'versionstamp' as const, value: fromHex('000102030405060708090102') };
    assert.deepEqual(items, ['a', [baked], { type: 'float', value: 1 }]);
    const uncoded: tuple.TupleItem[] = [tuple.unboundVersionstamp()];
    assert.throws(() => tuple.bakeVersionstamp(uncoded, stamp, null), TypeError);
    tuple.bakeVersionstamp(uncoded, stamp, Uint8Array.of(1, 2));
    assert.deepEqual(uncoded, [baked]);
  });
}

function random(seed: number): void {
  it('random tuples come back, and sort as their bytes do', () => {
    const random = new Random(seed);
    for (let round = 0; round < 5_000; round += 1) {
      const items = randomTuple(random);
      const packed = pack(items);
      assert.equal(hex(pack(unpack(packed, true))), hex(packed));
      const { begin, end } = tuple.range(items);
      const extended = pack([...items, null, ...randomTuple(random)]);
      assert.isTrue(hex(begin) <= hex(extended) && hex(extended) < hex(end), hex(extended));
    }
  });
}
