variable "name" {
  description = "First part of every name."
  type        = string
}

variable "place" {
  description = "Region, account and partition."
  type        = object({ region = string, account = string, partition = string })
}

variable "trail_name" {
  description = "Name of the audit trail that writes to the bucket audit."
  type        = string
}

variable "data_key_arn" {
  description = "KMS key of lake and artifacts."
  type        = string
}

variable "audit_key_arn" {
  description = "KMS key of the audit trail."
  type        = string
}

variable "audit_lock_mode" {
  description = "GOVERNANCE or COMPLIANCE."
  type        = string
}

variable "audit_lock_days" {
  description = "Days for which an audit object cannot be changed or deleted."
  type        = number
}

variable "audit_retention_days" {
  description = "Days after which audit objects expire."
  type        = number
}

variable "superseded_days" {
  description = "Days for which replaced and deleted versions of objects are kept."
  type        = number
}

variable "raw_archive_days" {
  description = "Days without access after which raw till files may be archived; 0 = never."
  type        = number
}

variable "protect_data" {
  description = "Tag lake and artifacts as guarded against teardown."
  type        = bool
}
