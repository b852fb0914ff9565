/** Lines of sh(1) by which a network device sends slowly, or not. */

/** Longest packet of a cable: 1500 bytes and the header of Ethernet. */
const longestPacket = 1514

/** A token bucket. It must hold two packets, and what is due while the kernel looks elsewhere for 4 ms. */
export function slowDown(device: string, kbits: number): string {
  const bytes = Math.ceil(2 * longestPacket + (kbits * 4) / 8)
  return `tc qdisc replace dev ${device} root tbf rate ${kbits}kbit burst ${bytes} latency 500ms`
}

export function speedUp(device: string): string {
  return `if tc qdisc show dev ${device} | grep -q '^qdisc tbf'; then tc qdisc delete dev ${device} root; fi`
}
