/** What every peer connection of ours does alike: one complete offer, no trickle. */

const GATHERING_MS = 3_000;
const DISCONNECTED_MS = 4_000;

/**
 * Resolves when gathering is complete, or after three seconds with what was found by then.
 * @param {RTCPeerConnection} peer
 */
function gathered(peer) {
  return new Promise((resolve) => {
    const check = () => peer.iceGatheringState === "complete" && resolve(undefined);
    peer.addEventListener("icegatheringstatechange", check);
    setTimeout(resolve, GATHERING_MS);
    check();
  });
}

/**
 * Makes the offer and returns its complete SDP.
 * @param {RTCPeerConnection} peer
 * @returns {Promise<string>}
 */
export async function completeOffer(peer) {
  await peer.setLocalDescription(await peer.createOffer());
  await gathered(peer);
  return peer.localDescription?.sdp ?? "";
}

/**
 * Calls `lost` once when the connection failed or stayed disconnected; `connected` when it stands.
 * @param {RTCPeerConnection} peer
 * @param {{connected: () => void, lost: () => void}} callbacks
 */
export function superviseConnection(peer, { connected, lost }) {
  let timer = 0;
  let over = false;
  const giveUp = () => {
    if (over || peer.connectionState === "connected" || peer.signalingState === "closed") return;
    over = true;
    lost();
  };
  peer.addEventListener("connectionstatechange", () => {
    clearTimeout(timer);
    if (peer.connectionState === "connected") connected();
    if (peer.connectionState === "failed") giveUp();
    if (peer.connectionState === "disconnected") timer = setTimeout(giveUp, DISCONNECTED_MS);
  });
}
