// Node's `crypto`, as a merchant would write it.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');

const folder = process.argv[2];
const read = (name) => fs.readFileSync(path.join(folder, name));
const notification = {}, publicKey = {}, privateKey = {};
for (const bits of ['1024', '2048']) {
  notification[bits] = read(`notification-${bits}.json`);
  publicKey[bits] = crypto.createPublicKey(read(`platform-${bits}.pub.pem`));
  privateKey[bits] = crypto.createPrivateKey(read(`merchant-${bits}.pem`));
}
const order = read('order.txt');

function verify(bits) {
  const { sign, ...data } = JSON.parse(notification[bits].toString('utf8')).data;
  const names = Object.keys(data).filter((name) => data[name] !== null && data[name] !== '').sort();
  const canonical = names.map((name) => `${name}=${data[name]}`).join('&');
  const digest = crypto.createHash('sha256').update(canonical, 'utf8').digest();
  if (!crypto.verify('sha256', digest, publicKey[bits], Buffer.from(sign, 'base64'))) {
    throw new Error('a genuine notification was refused');
  }
}

function sign(bits) {
  const digest = crypto.createHash('sha256').update(order).digest();
  return crypto.sign('sha256', digest, privateKey[bits]).toString('base64');
}

if (crypto.verify('sha256', Buffer.from('another'), publicKey['2048'], Buffer.alloc(256))) {
  throw new Error('a forged signature passed');
}
const calls = { verify, sign };
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [what, bits, times] = line.split(' ');
  const call = calls[what];
  const begun = process.hrtime.bigint();
  for (let i = 0; i < Number(times); i += 1) call(bits);
  console.log(String(process.hrtime.bigint() - begun));
});
