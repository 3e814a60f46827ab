import * as fs from "node:fs"

/**
 * File systems that only this machine can access, by the `f_type` of statfs(2). Every process that
 * can use a directory on one of these can also use the sockets in it. Other file systems (NFS, SMB,
 * FUSE, 9p) may be shared with other machines.
 */
const localTypes = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x794c7630, // overlayfs
  0xf2f52010, // F2FS
  0x2fc12fc1, // ZFS
  0xca451a4e, // bcachefs
  0x3153464a, // JFS
  0x52654973, // ReiserFS
  0x3434, // NILFS
  0x24051905, // UBIFS
  0xf15f, // eCryptfs
  0x4d44, // FAT
  0x2011bab0, // exFAT
  0x5346544e, // NTFS
  0x7366746e, // NTFS, by ntfs3
  0x482b, // HFS+
  0xe0f5e1e2, // EROFS
  0x73717368 // SquashFS
])

/** Whether only this machine can access the directory. Always true on systems other than Linux. */
export const isLocalDirectory = (directory: string): boolean => {
  if (process.platform !== "linux") return true
  // On some machines the number is signed.
  return localTypes.has(fs.statfsSync(directory).type >>> 0)
}
