// Where the ticks of an axis are, and what they say.

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export function axisTicks(low, high, log, room) {
  return log ? logTicks(low, high, room) : linearTicks(low, high, room);
}

function linearTicks(low, high, room) {
  const rough = (high - low) / Math.max(room, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10);
  const ticks = [];
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  for (let number = Math.ceil(low / step - 1e-9); number * step <= high + 1e-9 * step; number += 1) {
    const value = number * step;
    const size = Math.max(Math.abs(low), Math.abs(high));
    const text = size >= 1e5 || size < 1e-3 ? plainPower(value) : value.toFixed(Math.min(digits, 12));
    ticks.push({ value, text });
  }
  return ticks;
}

function plainPower(value) {
  return value === 0 ? "0" : String(Number(value.toPrecision(4))).includes("e") ? value.toPrecision(3) : Number(value.toPrecision(4)).toExponential().replace("e+", "e");
}

function logTicks(low, high, room) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const ticks = [];
  if (last - first >= 1) {
    const step = Math.max(1, Math.ceil((last - first + 1) / Math.max(room, 1)));
    for (let power = first; power <= last; power += step) {
      ticks.push({ value: 10 ** power, text: "10" + [...String(power)].map((sign) => RAISED[sign]).join("") });
    }
    return ticks;
  }
  for (let power = first - 1; power <= last; power += 1) {
    for (const digit of [1, 2, 3, 5]) {
      const value = digit * 10 ** power;
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push({ value, text: String(Number(value.toPrecision(2))) });
    }
  }
  return ticks.length > 1 ? ticks : linearTicks(low, high, room);
}
