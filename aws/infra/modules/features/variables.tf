variable "name" {
  description = "First part of every name."
  type        = string
}

variable "groups" {
  description = "Feature groups: the names of id and event time, and the features with SageMaker's type of each."
  type = map(object({
    record_id  = string
    event_time = string
    features   = map(string)
  }))
}

variable "feature_groups" {
  description = "Register the groups in SageMaker Feature Store."
  type        = bool
}

variable "data_key_arn" {
  description = "KMS key of features."
  type        = string
}

variable "offline_uri" {
  description = "Where Feature Store keeps its history."
  type        = string
}

variable "role_arn" {
  description = "Role with which Feature Store writes its history."
  type        = string
}

variable "protect_data" {
  description = "Guard the table against deletion."
  type        = bool
}
