/** Subnets, and the addresses in them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { AddressPool } from './addresses.ts';
import { broadcastOf, chooseSubnet, contains, gatewayOf, macOf, overlaps, parseSubnet, subnetOf, subnetText } from './subnet.ts';

test('subnets are read strictly and normalised', () => {
  assert.equal(subnetText(parseSubnet('172.20.5.6/16')), '172.20.0.0/16');
  assert.equal(gatewayOf(parseSubnet('10.0.0.128/25')), '10.0.0.129');
  assert.equal(broadcastOf(parseSubnet('10.0.0.128/25')), '10.0.0.255');
  assert.equal(subnetText(subnetOf('255.255.255.255', 8)), '255.0.0.0/8', 'no sign bit gets in the way');
  for (const text of ['', '10.0.0.0', '10.0.0/24', '10.0.0.256/24', '10.0.0.0/31', '10.0.0.0/7', '10.0.0.0/24x', '010.0.0.0/24', '::/64']) {
    assert.throws(() => parseSubnet(text), { name: 'NetworkError', message: /is not an IPv4 subnet/ }, text);
  }
});

test('subnets overlap where they have an address in common', () => {
  assert.ok(overlaps(parseSubnet('10.0.0.0/8'), parseSubnet('10.9.0.0/16')));
  assert.ok(overlaps(parseSubnet('10.9.0.0/16'), parseSubnet('10.0.0.0/8')));
  assert.ok(!overlaps(parseSubnet('10.0.0.0/24'), parseSubnet('10.0.1.0/24')));
  assert.ok(contains(parseSubnet('10.0.1.0/24'), '10.0.1.255'));
  assert.ok(!contains(parseSubnet('10.0.1.0/24'), '10.0.2.0'));
});

test('the first range that is free is chosen, until there is none', () => {
  const used = [subnetOf('172.17.0.1', 16), subnetOf('172.18.200.0', 24)];
  assert.equal(subnetText(chooseSubnet(used)), '172.19.0.0/16');
  assert.equal(subnetText(chooseSubnet([...used, subnetOf('172.16.0.0', 12)])), '192.168.0.0/20');
  assert.throws(() => chooseSubnet([subnetOf('172.16.0.0', 12), subnetOf('192.168.0.0', 16)]), { message: /no private subnet is free/ });
});

test('a hardware address follows from the address', () => assert.equal(macOf('172.17.0.255'), '02:42:ac:11:00:ff'));

test('addresses are given out once, never the gateway, the subnet or the broadcast address', () => {
  const pool = new AddressPool(parseSubnet('10.0.0.0/29'), '10.0.0.1');
  assert.deepEqual(
    Array.from({ length: 5 }, () => pool.allocate()),
    ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'],
  );
  assert.throws(() => pool.allocate(), { message: /no address is free in 10\.0\.0\.0\/29/ });
  pool.release('10.0.0.4');
  assert.equal(pool.allocate(), '10.0.0.4');
});

test('an address that was released is the last to be given out again', () => {
  const pool = new AddressPool(parseSubnet('10.0.0.0/29'), '10.0.0.1');
  pool.release(pool.allocate());
  assert.deepEqual(
    Array.from({ length: 5 }, () => pool.allocate()),
    ['10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.2'],
  );
});

test('given addresses are reserved, if a container can have them', () => {
  const pool = new AddressPool(parseSubnet('10.0.0.0/29'), '10.0.0.1');
  pool.reserve('10.0.0.3');
  assert.throws(() => pool.reserve('10.0.0.3'), { message: /address 10\.0\.0\.3 is already in use/ });
  assert.deepEqual([pool.allocate(), pool.allocate(), pool.allocate(), pool.allocate()], ['10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.2']);
  for (const address of ['10.0.0.0', '10.0.0.7', '10.0.1.2', '9.255.255.255'])
    assert.throws(() => pool.reserve(address), { message: /is not one that a container in/ }, address);
  assert.throws(() => pool.reserve('10.0.0.1'), { message: /already in use/ });
});
